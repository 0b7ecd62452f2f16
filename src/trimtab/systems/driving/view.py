"""What agents see of a scene, as numbers: the own car, who is next on each lane, and the room that each move leaves."""

from __future__ import annotations

import numpy as np

from trimtab.systems.driving.foresight import MOVES
from trimtab.systems.driving.scene import SIGHT, WIDTH, Scene

SIDES = (-2, -1, 0, 1, 2)
"""Lanes that are looked at, by where they are to the one that is followed; negative ones are to its left."""
_SPEEDS = 3
_OWN = 6 + _SPEEDS
_LANE = 11
FEATURES = _OWN + _LANE * len(SIDES) + MOVES
_FAR = 100.0
"""Metres that make a feature of 1."""
_CLOSING = 15.0
"""Metres a second that make a feature of 1."""
_ROOM = 20.0
"""Metres that make a feature of 1."""


def view(scene: Scene, room: np.ndarray, elapsed: float) -> np.ndarray:
    """Return what there is to see, in [-1, 1], shape (FEATURES,). ``elapsed``: the share of the time that is over."""
    seen = [*_own(scene), elapsed]
    for side in SIDES:
        seen += _lane(scene, side)
    return np.clip(np.array([*seen, *(room / _ROOM)]), -1, 1).astype(np.float32)


def _own(scene: Scene) -> list[float]:
    slowest, fastest = scene.speeds[0], scene.speeds[-1]
    pace = (scene.speed - slowest) / (fastest - slowest)
    aims = [float(scene.aim == index) for index in range(_SPEEDS)]
    return [pace, *aims, scene.across / WIDTH, 3 * scene.heading, scene.lanes[0] / 2, scene.lanes[1] / 2]


def _lane(scene: Scene, side: int) -> list[float]:
    """Return whether there is a lane, and of the first two ahead and the first behind on it what matters."""
    there = -scene.lanes[0] <= side <= scene.lanes[1]
    ahead, across, speed, goal = scene.others.T
    on = (np.abs(across - WIDTH * side) < 0.75 * WIDTH) | (np.abs(goal - WIDTH * side) < WIDTH / 2)
    order = np.argsort(ahead)
    front = [index for index in order if on[index] and ahead[index] >= 0][:2]
    rear = [index for index in order if on[index] and ahead[index] < 0][-1:]
    first = _car(ahead[front[0]], scene.speed - speed[front[0]], speed[front[0]] - scene.speeds[0]) if front else _NOBODY
    second = [ahead[front[1]] / _FAR, (speed[front[1]] - scene.speeds[0]) / _CLOSING] if len(front) > 1 else [1.0, 0.0]
    behind = _car(-ahead[rear[0]], speed[rear[0]] - scene.speed, speed[rear[0]] - scene.speeds[0]) if rear else _NOBODY
    return [float(there), *first, *second, *behind]


_NOBODY = [1.0, 0.0, 0.0, 0.0]


def _car(gap: float, closing: float, faster: float) -> list[float]:
    """Return distance, closing speed, one over the seconds to contact, and how much faster it is than the slowest aim."""
    urgency = closing / max(gap - 5.0, 1.0)
    return [min(gap, SIGHT) / _FAR, closing / _CLOSING, urgency, faster / _CLOSING]
