"""What an agent is rewarded for. The two named rewards telescope: over a run they add up to its whole improvement.

A reward is any callable ``(before, after) -> float`` of two standings of one run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from trimtab.env.trace import Standing
from trimtab.errors import StudyError
from trimtab.task import Measurement

Reward: TypeAlias = Callable[[Standing, Standing], float]


def final(before: Standing, after: Standing) -> float:
    """Return the decrease of the current error: right where the last weights are what ships."""
    return before.error - after.error


def best(before: Standing, after: Standing) -> float:
    """Return the decrease of the best error so far: right where checkpoints are kept."""
    return before.best - after.best


@dataclass(frozen=True, slots=True)
class Seconds:
    """Minus ``weight`` for each second of training and evaluation."""

    weight: float

    def __call__(self, before: Standing, after: Standing) -> float:
        return -self.weight * (after.seconds - before.seconds)


@dataclass(frozen=True, slots=True)
class Gap:
    """Minus ``weight`` times the growth of the generalisation gap log(validation loss / train loss), where it is positive."""

    weight: float

    def __call__(self, before: Standing, after: Standing) -> float:
        return self.weight * (generalisation_gap(before.measurement) - generalisation_gap(after.measurement))


@dataclass(frozen=True, slots=True)
class AtMost:
    """Minus ``weight`` times the growth of how far the validation metric ``metric`` lies above ``limit``."""

    metric: str
    limit: float
    weight: float = 1.0

    def __call__(self, before: Standing, after: Standing) -> float:
        return self.weight * (self._excess(before) - self._excess(after))

    def _excess(self, standing: Standing) -> float:
        if self.metric not in standing.measurement.metrics:
            known = ", ".join(standing.measurement.metrics)
            raise StudyError(f"AtMost.metric: the validation metrics have no {self.metric!r}; they are {known}")
        return max(0.0, standing.measurement.metrics[self.metric] - self.limit)


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of named terms."""

    terms: tuple[tuple[str, Reward], ...]

    def __call__(self, before: Standing, after: Standing) -> float:
        return sum(term(before, after) for _, term in self.terms)


NAMED: dict[str, Reward] = {"final": final, "best": best}


def resolve(reward: str | Reward | Mapping[str, Reward | float]) -> Reward:
    """Return the reward that a name, a callable or a mapping of names to terms stands for.

    In a mapping the keys "final" and "best" may have any weight (a number) as value; other values are callables.
    """
    if isinstance(reward, str) and reward in NAMED:
        return NAMED[reward]
    if isinstance(reward, Mapping) and reward:
        return Sum(tuple((name, _term(name, term)) for name, term in reward.items()))
    if callable(reward):
        return reward
    known = ", ".join(map(repr, NAMED))
    raise StudyError(f"reward: expected {known}, a callable (before, after) -> float or a mapping of terms, got {reward!r}")


def _term(name: str, term: Any) -> Reward:
    if name in NAMED and isinstance(term, (int, float)):
        return _Weighted(NAMED[name], float(term))
    if callable(term):
        return cast("Reward", term)
    raise StudyError(f"reward[{name!r}]: expected a callable (before, after) -> float, got {term!r}")


@dataclass(frozen=True, slots=True)
class _Weighted:
    reward: Reward
    weight: float

    def __call__(self, before: Standing, after: Standing) -> float:
        return self.weight * self.reward(before, after)


def generalisation_gap(measurement: Measurement) -> float:
    """Return log(validation loss / train loss) where it is positive and both are known, else 0."""
    loss, train = measurement.metrics.get("loss", math.nan), measurement.train_loss
    return max(0.0, math.log(loss / train)) if 0 < loss < math.inf and 0 < train < math.inf else 0.0
