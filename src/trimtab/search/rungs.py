"""Rungs: the depths at which a run may be left for a while, so that agents learn from it what they can till there."""

from __future__ import annotations

import math

REDUCTION = 3
"""From rung to rung a run grows by this."""
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
