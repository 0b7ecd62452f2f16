"""Rungs: the depths at which runs are compared, and only the better part goes on (successive halving)."""

from __future__ import annotations

import math

REDUCTION = 3
"""One run in three goes on from a rung. Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (ASHA)."""
CUTS = 2
"""The first rung is at a ninth of a run."""


def rungs(horizon: int) -> tuple[int, ...]:
    """Return the numbers of segments after which runs are compared, ascending; the last is the whole run.

    >>> rungs(40)
    (5, 14, 40)
    >>> rungs(3)
    (1, 3)
    """
    return tuple(sorted({math.ceil(horizon / REDUCTION**cut) for cut in range(CUTS + 1)}))


def promotable(places: int) -> int:
    """Return how many of ``places`` runs that reached a rung may go on from it: one in ``REDUCTION``.

    >>> [promotable(n) for n in (0, 1, 2, 3, 4)]
    [0, 0, 0, 1, 1]
    """
    return places // REDUCTION
