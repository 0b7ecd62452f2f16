"""From outcomes to figures: normalised regret of test losses, means of the middle half, and intervals over seeds and tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.study_suite.results import Key, Results

DRAWS = 4000
WORST = 2.0
"""A regret counts at most twice that of the settings that one would take without tuning."""


@dataclass(frozen=True, slots=True)
class Table:
    """Test losses by (method, problem, seed) at one mark; ``reference`` and ``best`` by problem: regret one, and zero."""

    losses: Mapping[tuple[str, str, int], float]
    reference: Mapping[str, float]
    best: Mapping[str, float]

    def regret(self, method: str, problem: str, seed: int) -> float:
        loss, best = self.losses[method, problem, seed], self.best[problem]
        scaled = (loss - best) / (self.reference[problem] - best)
        return min(WORST, scaled) if math.isfinite(scaled) else WORST

    def regrets(self, method: str, problems: Sequence[str], seeds: Sequence[int]) -> NDArray[np.float64] | None:
        """Return the regrets of a method, (problems, seeds), None if one is missing."""
        keys = [(method, problem, seed) for problem in problems for seed in seeds]
        if any(key not in self.losses for key in keys):
            return None
        return np.array([self.regret(*key) for key in keys]).reshape(len(problems), len(seeds))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of the middle half, with 95 % bootstrap intervals over seeds (within each problem) and over problems."""

    value: float
    over_seeds: tuple[float, float]
    over_problems: tuple[float, float]


def estimate(regrets: NDArray[np.float64]) -> Estimate:
    """Return the interquartile mean of ``regrets``, (problems, seeds). Agarwal et al. 2021."""
    rng = np.random.default_rng(0)
    problems, seeds = regrets.shape
    by_seed, by_problem = [], []
    for _ in range(DRAWS):
        drawn = rng.integers(seeds, size=regrets.shape)
        by_seed.append(middle(np.take_along_axis(regrets, drawn, axis=1)))
        by_problem.append(middle(regrets[rng.integers(problems, size=problems)]))
    return Estimate(middle(regrets), _interval(by_seed), _interval(by_problem))


def middle(values: NDArray[np.float64]) -> float:
    """Return the mean of the middle half of ``values``."""
    ordered = np.sort(values, axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def table(results: Results, mark: int, *, marks: Sequence[int], version: str) -> Table:
    """Return the losses at ``mark``; the best of a problem is the least mean over seeds of any method at any of ``marks``.

    ``version``: of trimtab, others of which are left out.
    """
    everything = {each: _losses(results, each, version) for each in marks}
    reference = _means(_losses(results, 1, version, only="default"))
    best: dict[str, float] = {}
    for losses in everything.values():
        for (_, problem), mean in _by_method(losses).items():
            best[problem] = min(best.get(problem, math.inf), mean)
    return Table(everything[mark], reference, best)


def _losses(results: Results, mark: int, version: str, only: str | None = None) -> dict[tuple[str, str, int], float]:
    found: dict[tuple[str, str, int], tuple[float, float]] = {}
    for key, outcome in results:
        if (only is not None and key.method != only) or (key.method == "trimtab" and key.version != version):
            continue
        for shipped in outcome.shipped:
            # of a method that plans for its budget only the study of just that budget counts
            if shipped.mark == mark and (key.budget == mark or not plans(key)):
                place = key.method, key.problem, key.seed
                if place not in found or key.budget < found[place][0]:
                    found[place] = key.budget, shipped.test
    return {place: test for place, (_, test) in found.items()}


def plans(key: Key) -> bool:
    """Return whether what a method does early depends on its budget, so that its early marks say nothing."""
    return key.method.startswith("top-")


def _by_method(losses: Mapping[tuple[str, str, int], float]) -> dict[tuple[str, str], float]:
    grouped: dict[tuple[str, str], list[float]] = {}
    for (method, problem, _), loss in losses.items():
        grouped.setdefault((method, problem), []).append(loss if math.isfinite(loss) else math.inf)
    return {place: float(np.mean(each)) for place, each in grouped.items()}


def _means(losses: Mapping[tuple[str, str, int], float]) -> dict[str, float]:
    return {problem: mean for (_, problem), mean in _by_method(losses).items()}


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
