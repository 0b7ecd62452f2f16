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


def linear(progress: float) -> float:
    """Return 1 − progress, and 0 after the end. Best of the plain shapes where a run decays to 0 (Bergsma et al. 2025).

    >>> linear(0.0), linear(0.75), linear(1.5)
    (1.0, 0.25, 0.0)
    """
    return max(0.0, 1.0 - progress)


def constant(progress: float) -> float:
    """Return 1 at any progress."""
    del progress
    return 1.0


REFERENCES: Mapping[str, Reference] = {"cosine": cosine, "linear": linear, "constant": constant}
