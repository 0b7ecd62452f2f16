"""The shortest way of a car that only drives forwards, from one place and heading to another: Dubins 1957.

It is made of three pieces, each a turn as tight as the wheels allow or straight: LSL, RSR, LSR, RSL, RLR or LRL. Lengths of the
pieces after Shkel & Lumelsky 2001, "Classification of the Dubins set"; in radii of the tightest turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

Pieces: TypeAlias = "tuple[float, float, float]"
_ROUND = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Way:
    """``turns``: of each of the three pieces, 1 to the left (headings grow), 0 straight, -1. ``metres`` of each."""

    turns: tuple[int, int, int]
    metres: Pieces

    @property
    def length(self) -> float:
        return sum(self.metres)

    def poses(self, start: np.ndarray, radius: float, step: float) -> np.ndarray:
        """Return the poses (x, y, heading) along the way from ``start``, one every ``step`` metres, shape (n, 3)."""
        found, pose = [np.array(start, dtype=float)[None]], np.array(start, dtype=float)
        for turn, metres in zip(self.turns, self.metres, strict=True):
            along = np.append(np.arange(step, metres, step), metres)
            piece = _driven(pose, turn / radius, along)
            pose = piece[-1]
            found.append(piece)
        return np.concatenate(found)


def ways(start: np.ndarray, goal: np.ndarray, radius: float) -> list[Way]:
    """Return the way of each kind that there is between the poses (x, y, heading); no turn is tighter than ``radius``.

    >>> min(way.length for way in ways(np.array([0, 0, 0]), np.array([7, 0, 0]), radius=5.0))
    7.0
    """
    dx, dy = (np.asarray(goal, dtype=float) - start)[:2] / radius
    bearing = math.atan2(dy, dx)
    distance, alpha, beta = math.hypot(dx, dy), float(start[2]) - bearing, float(goal[2]) - bearing
    found: list[Way] = []
    for (turns, lengths), side in product(_KINDS, (1, -1)):
        pieces = lengths(distance, side * alpha, side * beta)
        if pieces is not None:
            first, middle, last = pieces
            middle = middle % _ROUND if turns[1] else middle
            begin, between, end = turns
            metres = (_angle(first) * radius, middle * radius, _angle(last) * radius)
            found.append(Way((side * begin, side * between, side * end), metres))
    return found


def _angle(value: float) -> float:
    """Return ``value`` in [0, 2π); what is a hair short of a whole turn is none."""
    value %= _ROUND
    return 0.0 if _ROUND - value < 1e-9 else value


def _lsl(d: float, a: float, b: float) -> Pieces | None:
    square = 2 + d * d - 2 * math.cos(a - b) + 2 * d * (math.sin(a) - math.sin(b))
    if square < 0:
        return None
    towards = math.atan2(math.cos(b) - math.cos(a), d + math.sin(a) - math.sin(b))
    return towards - a, math.sqrt(square), b - towards


def _lsr(d: float, a: float, b: float) -> Pieces | None:
    square = -2 + d * d + 2 * math.cos(a - b) + 2 * d * (math.sin(a) + math.sin(b))
    if square < 0:
        return None
    middle = math.sqrt(square)
    towards = math.atan2(-math.cos(a) - math.cos(b), d + math.sin(a) + math.sin(b)) - math.atan2(-2.0, middle)
    return towards - a, middle, towards - b


def _lrl(d: float, a: float, b: float) -> Pieces | None:
    cosine = (6 - d * d + 2 * math.cos(a - b) + 2 * d * (math.sin(b) - math.sin(a))) / 8
    if abs(cosine) > 1:
        return None
    middle = _ROUND - math.acos(cosine)
    first = -a - math.atan2(math.cos(a) - math.cos(b), d + math.sin(a) - math.sin(b)) + middle / 2
    return first, middle, b - a - first + middle


def _driven(pose: np.ndarray, bend: float, along: np.ndarray) -> np.ndarray:
    """Return the poses after so many metres ``along`` a curve of curvature ``bend`` from ``pose``."""
    x, y, heading = pose
    if bend == 0.0:
        return np.stack([x + along * np.cos(heading), y + along * np.sin(heading), np.full(len(along), heading)], axis=1)
    turned = heading + bend * along
    return np.stack(
        [x + (np.sin(turned) - np.sin(heading)) / bend, y - (np.cos(turned) - np.cos(heading)) / bend, turned], axis=1
    )


_KINDS: tuple[tuple[tuple[int, int, int], Callable[[float, float, float], Pieces | None]], ...] = (
    ((1, 0, 1), _lsl),
    ((1, 0, -1), _lsr),
    ((1, -1, 1), _lrl),
)
"""Those that begin to the left; the others are their mirror images."""
