"""Which moves leave a way out: the shield that agents drive under, made of what a driver can see."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from trimtab.systems.driving.foresight import LEFT, MOVES, RIGHT, SLOWER, accelerations, foresee
from trimtab.systems.driving.scene import WIDTH, Scene

ROOM = 2.0
"""Metres to others that are enough."""
BRAKING = 3
"""Seconds of braking that follow the move."""
ESCAPE = 4
"""Seconds of the plans that are looked through when braking is not enough."""
TOUCH = 0.5
"""Metres to others that are too few."""
_NEAR = 40.0
"""Metres ahead, within which others may change lane at the same moment: they do not see that this car is about to."""
_GAIN = 0.2
"""Metres a second squared, for which others change lane: MOBIL in highway-env."""


def rooms(scene: Scene) -> np.ndarray:
    """Return, for each move, the least metres to others if this car makes it and then brakes, shape (MOVES,).

    A change of lane is judged at worst: those ahead who gain by moving to the same lane do so at the same moment.
    """
    plans = np.full((MOVES, 1 + BRAKING), SLOWER)
    plans[:, 0] = range(MOVES)
    room = foresee(scene, plans).clear.min(axis=1)
    for move, side in ((LEFT, -1), (RIGHT, 1)):
        crowded = _crowded(scene, side)
        if crowded is not scene:
            room[move] = min(room[move], foresee(crowded, plans[move : move + 1]).clear.min())
    return room


def safe(scene: Scene, possible: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Return which of the ``possible`` moves have enough ``room``; where none has, the one that begins the best way out."""
    enough = possible & (room >= ROOM)
    return enough if enough.any() else _way_out(scene, possible)


def _way_out(scene: Scene, possible: np.ndarray) -> np.ndarray:
    """Return the move that begins the plan which comes near others last, and of those the one that leaves them most room."""
    plans = sequences(ESCAPE)
    plans = plans[possible[plans[:, 0]]]
    clear = foresee(scene, plans).clear
    near = clear < TOUCH
    until = np.where(near.any(axis=1), near.argmax(axis=1), clear.shape[1])
    best = plans[np.lexsort((clear.min(axis=1), until))[-1], 0]
    return np.arange(MOVES) == best


@cache
def sequences(seconds: int) -> np.ndarray:
    """Return all plans of so many moves, in order of the first: shape (plans, seconds)."""
    return np.array(list(product(range(MOVES), repeat=seconds)))


def _crowded(scene: Scene, side: int) -> Scene:
    """Return the scene in which all who gain by it head for the lane on that ``side``, from the lanes next to it."""
    middle = WIDTH * side
    ahead, across, speed, goal = scene.others.T
    beside = np.abs(np.abs(goal - middle) - WIDTH) < WIDTH / 2
    joins = (ahead > 0) & (ahead < _NEAR) & beside
    if not joins.any():
        return scene
    stay = accelerations(ahead, speed, np.abs(goal[:, None] - goal[None, :]) < WIDTH / 2)
    move = accelerations(ahead, speed, np.broadcast_to(np.abs(goal - middle) < WIDTH / 2, (len(goal), len(goal))))
    joins &= move - stay > _GAIN
    if not joins.any():
        return scene
    return replace(scene, others=np.column_stack([ahead, across, speed, np.where(joins, middle, goal)]))
