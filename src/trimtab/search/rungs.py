"""Rungs: the depths at which runs are compared, and only the better part goes on (successive halving)."""

from __future__ import annotations

import math

REDUCTION = 3
"""One run in three goes on from a rung. Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (ASHA)."""


def rungs(horizon: int, *, reduction: int = REDUCTION) -> tuple[int, ...]:
    """Return the numbers of segments after which runs are compared, ascending; the last is the whole run.

    >>> rungs(40)
    (5, 14, 40)
    >>> rungs(3)
    (1, 3)
    """
    found = {horizon, math.ceil(horizon / reduction), math.ceil(horizon / reduction**2)}
    return tuple(sorted(found))


def promotable(places: int, *, reduction: int = REDUCTION) -> int:
    """Return how many of ``places`` runs that reached a rung may go on from it: one in ``reduction``.

    >>> [promotable(n) for n in (0, 1, 2, 3, 4)]
    [0, 0, 0, 1, 1]
    """
    return places // reduction
