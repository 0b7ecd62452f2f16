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

    ``across``: metres, after each tick, shape (plans, ticks). ``gaps``: metres to each other car then, and ``beside``: whether
    it is in the way, shape (plans, ticks, others) each.
    """

    speeds: np.ndarray
    lanes: np.ndarray
    ahead: np.ndarray
    across: np.ndarray
    gaps: np.ndarray
    beside: np.ndarray

    @property
    def clear(self) -> np.ndarray:
        """After each tick, the metres to the nearest car that is in the way; below 0 it is a crash. Shape (plans, ticks)."""
        return np.where(self.beside, self.gaps, FAR).min(axis=2, initial=FAR)

    def clear_with(self, lane: int, joins: np.ndarray, plans: np.ndarray) -> np.ndarray:
        """Return the same for some of the ``plans``, where those of whom ``joins``, (others,), is true are on ``lane`` too."""
        there = np.abs(self.across[plans] - WIDTH * lane) < _BREADTH + _ASIDE
        beside = self.beside[plans] | (there[:, :, None] & joins)
        return np.where(beside, self.gaps[plans], FAR).min(axis=2, initial=FAR)


def foresee(scene: Scene, plans: np.ndarray) -> Outlook:
    """Return what comes of ``plans``, of shape (plans, seconds): a move each second."""
    count, seconds = plans.shape
    across, heading = np.full(count, scene.across), np.full(count, scene.heading)
    ahead, speed = np.zeros(count), np.full(count, scene.speed)
    lane, aim = np.zeros(count, dtype=int), np.full(count, scene.speeds[scene.aim])
    ticks: list[tuple[np.ndarray, np.ndarray]] = []
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for second in range(seconds):
        lane, aim = _decide(scene, plans[:, second], lane, aim, speed)
        for _ in range(TICKS):
            steering = _steer(across - WIDTH * lane, heading, speed)
            push = _ACCELERATION * (aim - speed)
            slip = np.arctan(np.tan(steering) / 2)
            ahead = ahead + speed * np.cos(heading + slip) / TICKS
            across = across + speed * np.sin(heading + slip) / TICKS
            heading = heading + speed * np.sin(slip) / (_LENGTH / 2) / TICKS
            speed = speed + push / TICKS
            ticks.append((ahead, across))
        rows.append((speed, lane, ahead))
    speeds, lanes, places = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
    along, sides = (np.stack(column, axis=1) for column in zip(*ticks, strict=True))
    return Outlook(speeds, lanes, places, sides, *_between(scene, along, sides))


def _between(scene: Scene, along: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the metres to each other car at every tick, and whether it is in the way; those behind look out for themselves."""
    places, goals = _others(scene, along.shape[1])
    behind = (scene.others[:, 0] < 0) & (np.abs(scene.others[:, 1] - scene.across) < _BREADTH)
    gaps = np.abs(places - along[:, :, None]) - _LENGTH
    return gaps, (np.abs(goals - sides[:, :, None]) < _BREADTH + _ASIDE) & ~behind


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


def _others(scene: Scene, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far ahead and across the other cars are after every tick, shape (ticks, others) each.

    They keep their distance as IDM has it, and to the lane they head for; those ahead never speed up.
    """
    ahead, across, speed, goal = scene.others.T
    front = ahead > 0
    same = np.abs(goal[:, None] - goal[None, :]) < WIDTH / 2
    places = np.empty((ticks, len(ahead)))
    for tick in range(ticks):
        push = accelerations(ahead, speed, same)
        # whoever is trusted to speed up, and does not, leaves less room than was foreseen
        push = np.where(front, np.minimum(push, 0.0), push)
        ahead, speed = ahead + speed / TICKS, np.maximum(speed + push / TICKS, 0.0)
        places[tick] = ahead
    return places, goal + (across - goal) * (1 - _DRIFT) ** np.arange(1, ticks + 1)[:, None]


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
