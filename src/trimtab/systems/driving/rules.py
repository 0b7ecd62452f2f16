"""How to drive without having learned it: highway-env's own driver, always the same move, or a few seconds of foresight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trimtab.systems.driving.foresight import IDLE, LEFT, RIGHT, SLOWER, foresee
from trimtab.systems.driving.scene import WIDTH, Scene
from trimtab.systems.driving.shield import sequences
from trimtab.systems.system import Act, Rule

_SECONDS = 3
_BEYOND = 6.0
"""Seconds after those, which count as one that is driven at the speed that the lane then allows."""
_ROOM = 4.0
"""Metres to others, below which each is worth less."""
_CHANGE = 0.01
"""What a change of lane is worth less."""


def idm(env: Any) -> Act:
    """Let highway-env's driver do it: IDM for speed (Treiber et al. 2000), MOBIL for lanes (Kesting et al. 2007)."""
    env.hand_over()
    return lambda _observation: None


def slower(env: Any) -> Act:
    """Always brake, to the slowest speed."""
    return lambda _observation: SLOWER if env.possible()[SLOWER] else IDLE


def idle(_env: Any) -> Act:
    """Never do anything."""
    return lambda _observation: IDLE


def lookahead(env: Any) -> Act:
    """Make the move that begins the best plan of three seconds, of those that the mask allows."""
    return lambda _observation: _best(env.scene, env.mask(), env.worth)


def _best(scene: Scene, mask: np.ndarray, worth: Any) -> int:
    plans = sequences(_SECONDS)
    outlook = foresee(scene, plans)
    values = worth(outlook.speeds, outlook.lanes).sum(axis=1)
    values += _BEYOND * worth(_pace(scene, outlook.ahead[:, -1], outlook.lanes[:, -1]), outlook.lanes[:, -1])
    values -= _CHANGE * ((plans == LEFT) | (plans == RIGHT)).sum(axis=1)
    values -= np.maximum(0.0, 1 - outlook.clear.min(axis=1) / _ROOM)
    return int(plans[np.where(mask[plans[:, 0]], values, -np.inf).argmax(), 0])


def _pace(scene: Scene, ahead: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """Return the speed that whoever is next on the lane of each plan allows for the seconds beyond it."""
    others, fastest = scene.others, scene.speeds[-1]
    gap = others[:, 0] + _SECONDS * others[:, 2] - ahead[:, None] - 7.0
    next_ones = (np.abs(others[:, 3] - WIDTH * lanes[:, None]) < 2.5) & (gap > -7.0)
    allowed = np.where(next_ones, others[:, 2] + np.maximum(gap, 0.0) / _BEYOND, fastest)
    return np.minimum(allowed.min(axis=1, initial=fastest), fastest)


RULES: Mapping[str, Rule] = {"idm": idm, "slower": slower, "idle": idle, "lookahead": lookahead}
