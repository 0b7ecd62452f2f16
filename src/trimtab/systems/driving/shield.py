"""Which moves leave a way out: the shield that agents drive under, made of what a driver can see."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from trimtab.systems.driving.foresight import LEFT, MOVES, RIGHT, SLOWER, TICKS, accelerations, foresee
from trimtab.systems.driving.scene import WIDTH, Scene

ROOM = 2.0
"""Metres to others that are enough."""
TOUCH = 0.5
"""Metres to others that are too few."""
FORESIGHT = 15
"""Seconds: whoever comes behind a slower car at the lowest speed closes in on it for so long."""
_WHEN = (0, 1, 2, 3, 4, 6, 8, 10, 12)
"""Seconds after the move, at which a way out may change lane."""
_SHORT = 4
"""Seconds of the plans that are looked through when no way out is enough."""
DOUBT = 0.2
"""Metres that are taken off for each second that is foreseen."""
_NEAR = 40.0
"""Metres ahead, within which others may change lane at the same moment: they do not see that this car is about to."""
_GAIN = 0.0
"""Metres a second squared, for which others may change lane; MOBIL in highway-env takes 0.2, and foresight errs."""
_ON_LANE = 3.0
"""Metres from its middle, within which highway-env counts a car as on a lane."""
_NONE = 9
"""No lane is changed to."""


def rooms(scene: Scene) -> np.ndarray:
    """Return, for each move, the least metres to others on the best way out that it leaves, shape (MOVES,).

    Changes of lane are judged at worst: those ahead who gain by moving to the same lane may be on it just as well.
    """
    plans = ways_out()
    outlook, entered = foresee(scene, plans), _entered(scene, plans)
    room = _least(outlook.clear)
    for lane in range(-scene.lanes[0], scene.lanes[1] + 1):
        those = (entered == lane).any(axis=1)
        joins = _joining(scene, lane)
        if those.any() and joins.any():
            room[those] = np.minimum(room[those], _least(outlook.clear_with(lane, joins, those)))
    return np.array([room[plans[:, 0] == move].max() for move in range(MOVES)])


def _entered(scene: Scene, plans: np.ndarray) -> np.ndarray:
    """Return the lane that each second of each plan changes to, counted from the one that is followed; ``_NONE`` if none."""
    found = np.full(plans.shape, _NONE)
    lane = np.zeros(len(plans), dtype=int)
    for second, moves in enumerate(plans.T):
        after = np.clip(lane + (moves == RIGHT) - (moves == LEFT), -scene.lanes[0], scene.lanes[1])
        found[:, second] = np.where(after == lane, _NONE, after)
        lane = after
    return found


def _least(clear: np.ndarray) -> np.ndarray:
    """Return the least of each plan's metres to others, less what foresight may err by, shape (plans,)."""
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


def _joining(scene: Scene, lane: int) -> np.ndarray:
    """Return who ahead gains by moving to ``lane`` from one next to it, now or in a second, shape (others,)."""
    middle = WIDTH * lane
    ahead, across, speed, goal = scene.others.T
    joins = (ahead > 0) & (ahead < _NEAR) & (np.abs(np.abs(goal - middle) - WIDTH) < WIDTH / 2)
    if not joins.any():
        return joins
    near = np.abs(across[None, :] - across[:, None]) < _ON_LANE
    beside = np.broadcast_to(np.abs(across - middle) < _ON_LANE, near.shape)
    stay = accelerations(ahead, speed, near)
    gains = accelerations(ahead, speed, beside) - stay > _GAIN
    ahead, speed = ahead + speed + stay / 2, np.maximum(speed + stay, 0.0)
    return joins & (gains | (accelerations(ahead, speed, beside) - accelerations(ahead, speed, near) > _GAIN))
