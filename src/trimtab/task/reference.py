"""Reference schedules: the shape that the learning rate follows when no agent touches it. Plain numbers, no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Reference = Callable[[float], float]


def cosine(progress: float) -> float:
    """Return half a cosine from 1 at progress 0 to 0 at progress 1 and after. Loshchilov & Hutter 2017, eq. 5.

    >>> cosine(0.0), round(cosine(0.5), 12), cosine(1.0)
    (1.0, 0.5, 0.0)
    """
    return 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def constant(progress: float) -> float:
    """Return 1 at any progress."""
    del progress
    return 1.0


REFERENCES: Mapping[str, Reference] = {"cosine": cosine, "constant": constant}
