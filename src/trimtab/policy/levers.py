"""The hyperparameters that a policy moves, its heads: one agent for each. A training may have all of them or some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from trimtab.task.reference import cosine

FloatArray: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True)
class Lever:
    """One head: its value is multiplied by one of ``factors`` (1 among them) and kept in [low, high]; ``zero``: it may be 0.

    From 0 a factor above 1 leads to ``first``; a factor below 1 leads from ``low`` to 0.
    """

    name: str
    factors: tuple[float, ...]
    low: float
    high: float
    zero: bool = False
    first: float = 0.0

    @property
    def keep(self) -> int:
        """Index of the move that changes nothing."""
        return self.factors.index(1.0)

    def moved(self, value: FloatArray, moves: np.ndarray) -> FloatArray:
        """Return ``value`` (N,) after ``moves`` (N,), indices into ``factors``."""
        factor = np.asarray(self.factors)[moves]
        after = np.clip(value * factor, self.low, self.high)
        if self.zero:
            after = np.where(value == 0, np.where(factor > 1, self.first, 0.0), after)
            after = np.where((factor < 1) & (value * factor < self.low), 0.0, after)
        return np.where(factor == 1.0, value, after)


RATE = Lever("lr", (0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0), 1e-9, 1e3)
DECAY = Lever("weight_decay", (0.25, 1.0, 4.0), 1e-6, 1.0, zero=True, first=1e-4)
BACK = "back"
"""The head that goes back to the best weights so far: 0 stays, 1 goes."""

HEADS: tuple[int, ...] = (len(RATE.factors), len(DECAY.factors), 2)
"""Number of moves of each head, in the order lr, weight_decay, back."""
NAMES = (RATE.name, DECAY.name, BACK)
KEEP = (RATE.keep, DECAY.keep, 0)
"""The action that changes nothing."""


def allowed(*, decay: np.ndarray, back: np.ndarray) -> list[np.ndarray]:
    """Return which moves each of N trainings may make, one array (N, moves) a head.

    ``decay``, ``back``, (N,) bool: whether the weight decay is a lever of it, and whether it has better weights to go back to.
    """
    count = len(decay)
    masks = [np.ones((count, moves), dtype=bool) for moves in HEADS]
    masks[1] &= decay[:, None] | (np.arange(HEADS[1]) == KEEP[1])
    masks[2] &= back[:, None] | (np.arange(HEADS[2]) == KEEP[2])
    return masks


SANE = (3e-4, 0.2)
"""How far one step may move the weights, as a share of their norm, before anything is known of a training.

A rate with which the first step would move them by less or by more is brought to the nearer end before that step is made: at
one end nothing happens for many segments, at the other the net is broken before its first loss is seen.
"""


def sane(rate: FloatArray, share: FloatArray) -> FloatArray:
    """Return the rates, (N,), that bring ``share``, (N,), what the first step is to move the weights by, into SANE."""
    known = np.isfinite(share) & (share > 0)
    target = np.clip(share, *SANE)
    return np.where(known, rate * np.divide(target, share, out=np.ones_like(share), where=known), rate)


def factor(segment: int, horizon: int) -> float:
    """Return the reference schedule in the middle of ``segment`` (from 0) of ``horizon``.

    >>> round(factor(0, 1), 3), round(factor(9, 10), 4)
    (0.5, 0.0062)
    """
    return cosine((segment + 0.5) / horizon)
