"""What a run that is on its way comes to: the lowest error that it will have reached at its end.

The rest of its descent is taken for a linear function of how its error fell so far and of what is left of it. The weights
are those of earlier trainings at first; every run that comes to its end in a study makes them surer, and tells how far off
they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.search.belief import Belief

GRID = 27
"""Pieces of a run for each of which the shipped deviations are known."""
TOGETHER = 9.0
"""Forecasts of one run err alike: so many of them count as one observation."""
PATIENCE = 3.0
"""So many runs' worth the shipped deviations count beside those that a study has seen."""
FEATURES = 28


@dataclass(frozen=True, slots=True)
class Habits:
    """How runs go on, from earlier trainings: weights are N(``mean``, ``covariance``); ``deviations`` (GRID,) by progress."""

    mean: np.ndarray
    covariance: np.ndarray
    deviations: np.ndarray


class Forecast:
    """Forecasts of errors, in units of ``unit``, by what all runs so far have taught. ``runs``: how many that is."""

    def __init__(self, habits: Habits) -> None:
        self._belief = Belief(habits.mean, habits.covariance)
        self._deviations = habits.deviations
        self._squares, self.runs = PATIENCE, PATIENCE

    def rest(self, features: np.ndarray, progress: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far runs will fall below their lowest error so far (at most 0), and the standard deviation, (n,) each."""
        gains = np.minimum(features @ self._belief.mean, 0.0)
        return gains, self._scale * self._deviation(progress)

    def learn(self, before: float, errors: Sequence[float]) -> None:
        """Learn from a run that came to its end; ``errors``: before its first step, and after each of its segments."""
        horizon, lowest = len(errors), np.minimum.accumulate(errors)
        depths = range(1, horizon)
        if not len(depths):
            return
        rows = np.array([describe(before, errors[:depth], horizon) for depth in depths])
        progress = np.array([depth / horizon for depth in depths])
        gains = lowest[-1] - lowest[:-1]
        expected, _ = self.rest(rows, progress)
        deviations = self._deviation(progress)
        self._squares += float(np.mean(((gains - expected) / deviations) ** 2))
        self.runs += 1.0
        weights = max(1.0, len(depths) / (GRID / TOGETHER))
        self._belief.observe(rows, gains, weights * (self._scale * deviations) ** 2)

    @property
    def _scale(self) -> float:
        return float(np.sqrt(self._squares / self.runs))

    def _deviation(self, progress: np.ndarray) -> np.ndarray:
        return np.interp(progress, np.arange(1, GRID + 1) / GRID, self._deviations)


def describe(before: float, errors: Sequence[float], horizon: int) -> np.ndarray:
    """Return the features of a run after ``len(errors)`` of ``horizon`` segments, (FEATURES,): how its error fell so far.

    ``before``: the error before the first step; where it is not finite the first segment is taken to have changed nothing.

    >>> describe(2.5, [2.0, 1.5, 1.25], horizon=3).any()
    np.False_
    """
    depth = len(errors)
    progress, now = depth / horizon, errors[-1]
    late, early = -(-depth * 2 // 3), max(1, depth // 3)
    lowest, lowest_late, lowest_early = (min(errors[:end]) for end in (depth, late, early))
    # how far a run has fallen tells how far runs of this problem fall at all
    fallen = _within((before if math.isfinite(before) else errors[0]) - lowest, 6.0)
    root, first = math.sqrt(max(fallen, 0.0)), float(depth == 1)
    falls = (
        1.0,
        _within(now - errors[max(depth - 2, 0)], 2.0),
        _within(now - errors[late - 1], 3.0),
        _within(now - errors[early - 1], 4.0),
        _within(now - lowest, 2.0),
        _within(lowest - lowest_late, 3.0),
        _within(lowest - lowest_early, 4.0),
        first,
        math.log(progress),
        fallen,
        fallen * first,
        root,
        root * first,
        fallen * math.log(progress),
    )
    left = 1.0 - progress
    return np.array([*(fall * left for fall in falls), *(fall * left * left for fall in falls)])


def _within(value: float, limit: float) -> float:
    return min(limit, max(-limit, value))
