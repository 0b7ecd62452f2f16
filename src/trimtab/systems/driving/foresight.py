"""What comes of a plan: the own car as highway-env moves it, all others at the speed that they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trimtab.systems.driving.scene import WIDTH, Scene

MOVES = 5
LEFT, IDLE, RIGHT, FASTER, SLOWER = range(MOVES)
"""The moves of highway-env's DiscreteMetaAction."""
TICKS = 5
"""In a second."""
_LENGTH, _BREADTH = 5.0, 2.0
"""Metres, of a car."""
_PURSUIT = 0.1
_HEADING, _LATERAL, _ACCELERATION = 1 / 0.2, 1 / 0.6, 1 / 0.6
"""Gains of ``ControlledVehicle``, one over seconds."""
_ASIDE = 0.5
"""Metres between two cars side by side that are enough."""
_WISH = 22.5
"""Metres a second that others are taken to wish for: highway-env draws 21 to 24."""
FAR = 100.0
"""Metres; nothing is in the way."""
_DRIFT = 0.25
"""Of the way to the lane that they head for, others cover so much in a tick."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of each plan, a row: its speed, the lane relative to the one that is followed now and the metres ahead after each second.

    ``clear``: after each tick, the metres to the nearest car that is in the way; below 0 it is a crash.
    """

    speeds: np.ndarray
    lanes: np.ndarray
    ahead: np.ndarray
    clear: np.ndarray


def foresee(scene: Scene, plans: np.ndarray, doubtful: tuple[int, np.ndarray] | None = None) -> Outlook:
    """Return what comes of ``plans``, of shape (plans, seconds): a move each second.

    ``doubtful``: a lane, and which of the others are taken to be in the way on it too, shape (others,).
    """
    count, seconds = plans.shape
    across, heading = np.full(count, scene.across), np.full(count, scene.heading)
    ahead, speed = np.zeros(count), np.full(count, scene.speed)
    lane, aim = np.zeros(count, dtype=int), np.full(count, scene.speeds[scene.aim])
    clear: list[np.ndarray] = []
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    others = _Others(scene, seconds * TICKS, doubtful)
    for second in range(seconds):
        lane, aim = _decide(scene, plans[:, second], lane, aim, speed)
        for tick in range(second * TICKS + 1, (second + 1) * TICKS + 1):
            steering = _steer(across - WIDTH * lane, heading, speed)
            push = _ACCELERATION * (aim - speed)
            slip = np.arctan(np.tan(steering) / 2)
            ahead = ahead + speed * np.cos(heading + slip) / TICKS
            across = across + speed * np.sin(heading + slip) / TICKS
            heading = heading + speed * np.sin(slip) / (_LENGTH / 2) / TICKS
            speed = speed + push / TICKS
            clear.append(others.clear(ahead, across, tick))
        rows.append((speed, lane, ahead))
    speeds, lanes, places = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
    return Outlook(speeds, lanes, places, np.stack(clear, axis=1))


def _decide(
    scene: Scene, moves: np.ndarray, lane: np.ndarray, aim: np.ndarray, speed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lane and the speed to aim at, as ``MDPVehicle.act`` sets them."""
    lane = np.clip(lane + (moves == RIGHT) - (moves == LEFT), -scene.lanes[0], scene.lanes[1])
    speeds = scene.speeds
    step = speeds[1] - speeds[0]
    nearest = np.clip(np.round((speed - speeds[0]) / step), 0, len(speeds) - 1)
    wanted = np.clip(nearest + (moves == FASTER) - (moves == SLOWER), 0, len(speeds) - 1)
    return lane, np.where((moves == FASTER) | (moves == SLOWER), speeds[wanted.astype(int)], aim)


def _steer(across: np.ndarray, heading: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Return the angle of the wheels: ``ControlledVehicle.steering_control`` on a straight lane."""
    moving = np.where(np.abs(speed) < 0.01, 0.01, speed)
    wanted = np.clip(np.arcsin(np.clip(-_LATERAL * across / moving, -1, 1)), -np.pi / 4, np.pi / 4)
    slip = np.arcsin(np.clip(_LENGTH / 2 / moving * _HEADING * (wanted - heading), -1, 1))
    return np.clip(np.arctan(2 * np.tan(slip)), -np.pi / 3, np.pi / 3)


class _Others:
    """Where the other cars are at every tick: they keep their distance as IDM has it, and to the lane they head for.

    Those ahead never speed up, and those behind on the own lane look out for themselves.
    """

    def __init__(self, scene: Scene, ticks: int, doubtful: tuple[int, np.ndarray] | None) -> None:
        behind = (scene.others[:, 0] < 0) & (np.abs(scene.others[:, 1] - scene.across) < _BREADTH)
        ahead, across, speed, goal = scene.others.T
        self.places, self.sides = np.empty((ticks + 1, len(ahead))), np.empty((ticks + 1, len(ahead)))
        same = np.abs(goal[:, None] - goal[None, :]) < WIDTH / 2
        for tick in range(ticks + 1):
            self.places[tick], self.sides[tick] = ahead, goal + (across - goal) * (1 - _DRIFT) ** tick
            push = accelerations(ahead, speed, same)
            # whoever is trusted to speed up, and does not, leaves less room than was foreseen
            push = np.where(scene.others[:, 0] > 0, np.minimum(push, 0.0), push)
            ahead, speed = ahead + speed / TICKS, np.maximum(speed + push / TICKS, 0.0)
        self.places, self.sides = self.places[:, ~behind], self.sides[:, ~behind]
        lane, also = doubtful or (0, np.zeros(len(behind), dtype=bool))
        self.middle, self.also = WIDTH * lane, also[~behind]

    def clear(self, ahead: np.ndarray, across: np.ndarray, tick: int) -> np.ndarray:
        """Return, for each plan, the metres from its car at ``ahead`` and ``across`` to the nearest one in its way."""
        gap = np.abs(self.places[tick] - ahead[:, None]) - _LENGTH
        beside = np.abs(self.sides[tick] - across[:, None]) < _BREADTH + _ASIDE
        beside |= self.also & (np.abs(self.middle - across[:, None]) < _BREADTH + _ASIDE)
        return np.where(beside, gap, FAR).min(axis=1, initial=FAR)


def accelerations(ahead: np.ndarray, speed: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Return the acceleration of each car behind the nearest one ahead of it that is on the ``same`` lane, shape (cars, cars).

    Treiber et al. (2000), eq. 3 and 4, with highway-env's parameters.
    """
    if not len(ahead):
        return speed
    gaps = np.where(same & (ahead[None, :] > ahead[:, None]), ahead[None, :] - ahead[:, None], np.inf)
    leader = gaps.argmin(axis=1)
    gap = np.maximum(gaps.min(axis=1), 1.0)
    wanted = 10.0 + 1.5 * speed + speed * (speed - speed[leader]) / (2 * np.sqrt(15.0))
    return np.clip(3.0 * (1 - (speed / np.maximum(speed, _WISH)) ** 4 - (wanted / gap) ** 2), -6.0, 6.0)
