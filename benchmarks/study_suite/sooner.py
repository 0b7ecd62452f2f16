"""How many times the budget of one method another needs for the same validation loss, from what each improved when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from benchmarks.results import interval
from benchmarks.study_suite.meter import Outcome
from benchmarks.study_suite.results import Results

Place = tuple[str, int]
"""Problem and seed."""


def factor(mine: Outcome, other: Outcome) -> float:
    """Return the other's cost over mine, each until it had the worse of what the two came to: nobody has to be guessed about.

    >>> factor(Outcome(trace=[(1.0, 0.5), (2.0, 0.3)]), Outcome(trace=[(4.0, 0.6), (8.0, 0.4)]))
    4.0
    """
    level = max(_lowest(mine), _lowest(other))
    return _cost(other, level) / _cost(mine, level) if math.isfinite(level) else math.nan


def factors(mine: Mapping[Place, Outcome], other: Mapping[Place, Outcome]) -> list[float]:
    """Return the factors of the studies that both have made."""
    both = sorted(mine.keys() & other.keys())
    return [value for place in both if math.isfinite(value := factor(mine[place], other[place]))]


def summary(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of factors and its interval, both on a logarithmic scale."""
    logs = [math.log(value) for value in values]
    low, high = interval(logs)
    return math.exp(median(logs)), math.exp(low), math.exp(high)


def by_place(results: Results, method: str, version: str, budget: float) -> dict[Place, Outcome]:
    """Return the studies of ``method`` with ``budget`` runs; of trimtab those of ``version``."""
    wanted = version if method == "trimtab" else ""
    return {
        (key.problem, key.seed): outcome
        for key, outcome in results
        if key.method == method and key.version == wanted and key.budget == budget
    }


def _lowest(outcome: Outcome) -> float:
    return min((loss for _, loss in outcome.trace), default=math.inf)


def _cost(outcome: Outcome, level: float) -> float:
    return next(cost for cost, loss in outcome.trace if loss <= level)


def curve(outcomes: Mapping[Place, Outcome], marks: np.ndarray, least: Mapping[str, float]) -> np.ndarray:
    """Return the validation loss at each of ``marks`` over the ``least`` of its problem, median over studies, (marks,).

    NaN where most studies have nothing yet.
    """
    rows = [
        [
            min((loss for cost, loss in outcome.trace if cost <= mark + 1e-9), default=math.inf) / least[problem]
            for mark in marks
        ]
        for (problem, _), outcome in outcomes.items()
    ]
    medians = np.median(np.array(rows), axis=0)
    return np.where(np.isfinite(medians), medians, np.nan)


def above(held: Mapping[str, Mapping[Place, Outcome]], marks: np.ndarray) -> dict[str, np.ndarray]:
    """Return by method how much its validation loss is above the lowest that any came to, in %, over what all have made.

    Median over studies, (marks,).
    """
    shared = set.intersection(*(set(outcomes) for outcomes in held.values()))
    least: dict[str, float] = {}
    for outcomes in held.values():
        for (problem, _), outcome in outcomes.items():
            least[problem] = min(least.get(problem, math.inf), _lowest(outcome))
    return {
        method: 100 * (curve({place: outcomes[place] for place in shared}, marks, least) - 1)
        for method, outcomes in held.items()
    }
