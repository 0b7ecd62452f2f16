"""Which moves leave a way out: the shield that agents drive under, made of what a driver can see."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from trimtab.systems.driving.foresight import LEFT, MOVES, RIGHT, SLOWER, TICKS, accelerations, foresee
from trimtab.systems.driving.scene import WIDTH, Scene

_SHORT = 4
"""Seconds of the plans that are looked through when no way out is enough."""
ROOM = 2.0
"""Metres to others that are enough."""
TOUCH = 0.5
"""Metres to others that are too few."""
FORESIGHT = 15
_WHEN = (0, 1, 2, 3, 4, 6, 8, 10, 12)
"""Seconds: whoever comes behind a slower car at the lowest speed closes in on it for about so long."""
DOUBT = 0.6
"""Metres that are taken off for each second that is foreseen."""
_NEAR = 40.0
"""Metres ahead, within which others may change lane at the same moment: they do not see that this car is about to."""
_GAIN = 0.0
"""Metres a second squared, for which others may change lane; MOBIL in highway-env takes 0.2, and foresight errs."""
_ON_LANE = 3.0
"""Metres from its middle, within which highway-env counts a car as on a lane."""


def rooms(scene: Scene) -> np.ndarray:
    """Return, for each move, the least metres to others on the best way out that it leaves, shape (MOVES,)."""
    plans = ways_out()
    room = _least(scene, plans)
    for move, side in ((LEFT, -1), (RIGHT, 1)):
        crowded = _crowded(scene, side)
        if crowded is not scene:
            those = (plans == move).any(axis=1)
            room[those] = np.minimum(room[those], _least(crowded, plans[those]))
    return np.array([room[plans[:, 0] == move].max() for move in range(MOVES)])


def _least(scene: Scene, plans: np.ndarray) -> np.ndarray:
    """Return the least metres to others of each plan, less what foresight may err by, shape (plans,)."""
    clear = foresee(scene, plans).clear
    return (clear - DOUBT * np.arange(1, clear.shape[1] + 1) / TICKS).min(axis=1)


def safe(scene: Scene, possible: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Return which of the ``possible`` moves have enough ``room``; where none has, the one that begins the best way out."""
    enough = possible & (room >= ROOM)
    return enough if enough.any() else _last_resort(scene, possible)


def _last_resort(scene: Scene, possible: np.ndarray) -> np.ndarray:
    """Return the move that begins the plan which comes near others last, and of those the one that leaves them most room."""
    plans = np.concatenate([ways_out()[:, :_SHORT], sequences(_SHORT)])
    plans = plans[possible[plans[:, 0]]]
    clear = foresee(scene, plans).clear
    near = clear < TOUCH
    until = np.where(near.any(axis=1), near.argmax(axis=1), clear.shape[1])
    best = plans[np.lexsort((clear.min(axis=1), until))[-1], 0]
    return np.arange(MOVES) == best


@cache
def ways_out() -> np.ndarray:
    """Return plans of ``FORESIGHT`` seconds: any move, then braking, with a change by one lane or by two at some time."""
    rest = FORESIGHT - 1
    ends = [np.full(rest, SLOWER)]
    for side, when in product((LEFT, RIGHT), _WHEN):
        once = np.full(rest, SLOWER)
        once[when] = side
        twice = once.copy()
        twice[when + 1] = side
        ends += [once, twice]
    return np.array([[move, *end] for move in range(MOVES) for end in ends])


@cache
def sequences(seconds: int) -> np.ndarray:
    """Return all plans of so many moves, in order of the first: shape (plans, seconds)."""
    return np.array(list(product(range(MOVES), repeat=seconds)))


def _crowded(scene: Scene, side: int) -> Scene:
    """Return the scene in which all who gain by it are on the lane on that ``side`` too, who now are on a lane next to it.

    They may change at any time, so that they are in the way on both lanes.
    """
    middle = WIDTH * side
    ahead, across, speed, goal = scene.others.T
    joins = (ahead > 0) & (ahead < _NEAR) & (np.abs(np.abs(goal - middle) - WIDTH) < WIDTH / 2)
    if not joins.any():
        return scene
    stay = accelerations(ahead, speed, np.abs(across[None, :] - across[:, None]) < _ON_LANE)
    move = accelerations(ahead, speed, np.broadcast_to(np.abs(across - middle) < _ON_LANE, (len(goal), len(goal))))
    joins &= move - stay > _GAIN
    if not joins.any():
        return scene
    beside = np.full(joins.sum(), middle)
    ghosts = np.column_stack([ahead[joins], beside, speed[joins], beside])
    return replace(scene, others=np.concatenate([scene.others, ghosts]))
