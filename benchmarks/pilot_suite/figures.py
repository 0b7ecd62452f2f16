"""From runs to figures: ratios of test losses a (task, optimizer), their medians, means of the middle half and intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.pilot_suite import recipes
from benchmarks.pilot_suite.ledger import Ledger
from benchmarks.pilot_suite.recipes import Kind, Recipe
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.training import Run

Cell = tuple[str, Kind]
Statistic = Callable[[NDArray[np.float64]], float]
DRAWS = 2000
RIVALS = ("cosine", "calibrated", *recipes.PEERS)


@dataclass(frozen=True, slots=True)
class Book:
    """What was measured, by (task, optimizer), method and seed. ``kept``: test losses at each run's best checkpoint instead."""

    ledger: Ledger
    tasks: Sequence[Task]
    kinds: Sequence[Kind]
    seeds: int
    policy: str
    kept: bool = False

    @property
    def cells(self) -> list[tuple[Task, Kind]]:
        return [(task, kind) for task in self.tasks for kind in self.kinds]

    def flights(self, task: Task, kind: Kind, seed: int, starts: Sequence[float] = recipes.STARTS) -> list[Run]:
        """Return the Pilot's runs from all the starts, or none if one is missing."""
        found = [self.ledger.find(task, recipes.pilot(kind, start, self.policy), seed) for start in starts]
        there = [run for run in found if run is not None]
        return there if len(there) == len(found) else []

    def pilot(self, task: Task, kind: Kind, seed: int) -> float | None:
        runs = self.flights(task, kind, seed)
        return float(np.median([self.test(run) for run in runs])) if runs else None

    def oracle(self, task: Task, kind: Kind, seed: int) -> float | None:
        """Return the test loss of the best of 27 by validation, or none if one is missing."""
        found = [self.ledger.find(task, recipe, seed) for recipe in recipes.oracle(kind)]
        there = [run for run in found if run is not None]
        if len(there) < len(found):
            return None
        return self.test(min(there, key=lambda run: _finite(run.best_validation if self.kept else run.final_validation)))

    def rival(self, method: str, task: Task, kind: Kind, seed: int) -> float | None:
        return self.single(task, rival(method, kind), seed)

    def single(self, task: Task, recipe: Recipe, seed: int) -> float | None:
        run = self.ledger.find(task, recipe, seed)
        return None if run is None else self.test(run)

    def test(self, run: Run) -> float:
        return _finite(run.test_at_best if self.kept else run.final_test)


Measure = Callable[[Task, Kind, int], float | None]


def rival(method: str, kind: Kind) -> Recipe:
    """Return the one run of a method that stands against a Pilot on this optimizer."""
    if method == "calibrated":
        return recipes.calibrated()
    return recipes.cosine(kind) if method == "cosine" else recipes.peer(method, kind)


def ratios(book: Book, mine: Measure, other: Measure) -> dict[Cell, float]:
    """Return for each (task, optimizer) the median over seeds of mine over other, where a seed has both."""
    found: dict[Cell, float] = {}
    for task, kind in book.cells:
        pairs = [(mine(task, kind, seed), other(task, kind, seed)) for seed in range(book.seeds)]
        known = [ratio(a, b) for a, b in pairs if a is not None and b is not None]
        if known:
            found[task.name, kind] = float(np.median(known))
    return found


def ratio(mine: float, other: float) -> float:
    """Return mine over other, both positive or infinite: two failures are even."""
    if math.isinf(mine) and math.isinf(other):
        return 1.0
    return mine / max(other, 1e-12)


def middle_mean(values: NDArray[np.float64]) -> float:
    """Return the interquartile mean: of what is left without a quarter at each end."""
    ordered = np.sort(values)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))


def share_below(limit: float) -> Statistic:
    return lambda values: float((values < limit).mean())


def share_at_or_below(limit: float) -> Statistic:
    return lambda values: float((values <= limit).mean())


def interval(values: Mapping[Cell, float], statistic: Statistic) -> tuple[float, float]:
    """Return the 95 % percentile interval over tasks: a task is drawn with all its optimizers."""
    tasks = sorted({task for task, _ in values})
    grouped = [np.asarray([value for (task, _), value in values.items() if task == name]) for name in tasks]
    rng = np.random.default_rng(0)
    drawn = [
        statistic(np.concatenate([grouped[at] for at in rng.integers(len(grouped), size=len(grouped))])) for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
