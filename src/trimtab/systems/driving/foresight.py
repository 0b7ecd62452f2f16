"""What comes of a plan: the own car as highway-env moves it, all others at the speed that they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trimtab.systems.driving.scene import WIDTH, Scene

LEFT, IDLE, RIGHT, FASTER, SLOWER = range(5)
"""The moves of highway-env's DiscreteMetaAction."""
TICKS = 5
"""In a second."""
_LENGTH, _BREADTH = 5.0, 2.0
"""Metres, of a car."""
_PURSUIT = 0.1
_HEADING, _LATERAL, _ACCELERATION = 1 / 0.2, 1 / 0.6, 1 / 0.6
"""Gains of ``ControlledVehicle``, one over seconds."""
_DRIFT = 0.25
"""Of the way to the lane that they head for, others cover so much in a tick."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of each plan (row): speed, lane relative to the one that is followed now, and metres ahead after each second, and the
    tick at which the car comes too near to another one (that of the end + 1 where it does not).
    """

    speeds: np.ndarray
    lanes: np.ndarray
    ahead: np.ndarray
    touched: np.ndarray


def foresee(scene: Scene, plans: np.ndarray, *, margin: float = 2.0) -> Outlook:
    """Return what comes of ``plans``, of shape (plans, seconds): a move each second. ``margin``: metres kept to others."""
    count, seconds = plans.shape
    across, heading = np.full(count, scene.across), np.full(count, scene.heading)
    ahead, speed = np.zeros(count), np.full(count, scene.speed)
    lane, aim = np.zeros(count, dtype=int), np.full(count, scene.speeds[scene.aim])
    touched = np.full(count, seconds * TICKS + 1)
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    others = _Others(scene, margin)
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
            hit = others.near(ahead, across, tick)
            touched = np.where(hit, np.minimum(touched, tick), touched)
        rows.append((speed, lane, ahead))
    speeds, lanes, places = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
    return Outlook(speeds, lanes, places, touched)


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
    """Where the other cars are at a tick. Those behind on the own lane look out for themselves."""

    def __init__(self, scene: Scene, margin: float) -> None:
        behind = (scene.others[:, 0] < 0) & (np.abs(scene.others[:, 1] - scene.across) < _BREADTH)
        self.ahead, self.across, self.speed, self.goal = scene.others[~behind].T
        self.behind = self.ahead < 0
        self.margin = margin

    def near(self, ahead: np.ndarray, across: np.ndarray, tick: int) -> np.ndarray:
        """Return, for each plan, whether its car at ``ahead`` and ``across`` is nearer to another than the margin."""
        places = self.ahead + self.speed * tick / TICKS
        sides = self.goal + (self.across - self.goal) * (1 - _DRIFT) ** tick
        gap = np.abs(places - ahead[:, None]) < _LENGTH + self.margin
        beside = np.abs(sides - across[:, None]) < _BREADTH + self.margin / 4
        return (gap & beside).any(axis=1)
