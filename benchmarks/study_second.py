"""What a second study of a family saves by the experience of the first: the budget until it has what one without came to.

The first trains on one half of the examples, the second on the other half from other weights. What one half leads to the other
may not (of small sets it often does not), so that the level to be reached is that of a study of the second half that is alone,
at the end of the same budget. Ratios of 1 are of studies that did not get there at all. The shipped prior was learned on these
data sets too: what is measured is what an experience adds to it.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from benchmarks.pilot_suite.task import Data, Split
from benchmarks.results import Headline, Measured, interval, run
from benchmarks.study_suite import ours
from benchmarks.study_suite.meter import Outcome
from benchmarks.study_suite.problems import PROBLEMS, Problem
from trimtab.metatraining.learning import settle

CHOSEN = ("questions", "computers", "cancer", "diabetes", "italy-power")
SEEDS, BUDGET = 2, 10


class Half(Problem):
    """A problem with every second of its training examples: from the first (``part`` 0) or from the second (1)."""

    part = 0

    def data(self) -> Data:
        whole = PROBLEMS[self.name].data()
        x, y = whole.train.x[self.part :: 2], whole.train.y[self.part :: 2]
        return Data(Split(x, y), whole.validation, whole.test)


class OtherHalf(Half):
    part = 1


def halved(problem: Problem, kind: type[Half]) -> Half:
    return kind(*(getattr(problem, field.name) for field in fields(Problem)))


def lowest(outcome: Outcome) -> float:
    return min(loss for _, loss in outcome.trace)


def share(outcome: Outcome, level: float, budget: float) -> float:
    """Return the share of ``budget`` that was used when ``level`` was reached, 1 where it was not.

    >>> share(Outcome(trace=[(2.0, 0.5), (4.0, 0.3)]), 0.4, 10)
    0.4
    """
    return next((cost / budget for cost, loss in outcome.trace if loss <= level), 1.0)


def pair(problem: Problem, seed: int, budget: float) -> tuple[float, float]:
    """Return the budget ratio of a second study with the experience of a first, and of one without."""
    with tempfile.TemporaryDirectory() as folder:
        told = {"experience": Path(folder) / "experience.db"}
        ours.tune(halved(problem, Half), budget, seed, told)
        second = halved(problem, OtherHalf)
        informed = ours.tune(second, budget, 100 + seed, told)
        alone = ours.tune(second, budget, 100 + seed)
    level = lowest(alone)
    return share(informed, level, budget), share(alone, level, budget)


def measure(arguments: argparse.Namespace) -> Measured:
    """Make first and second studies of every problem."""
    settle()
    chosen, seeds, budget = (CHOSEN[-2:], 1, 3) if arguments.quick else (CHOSEN, SEEDS, BUDGET)
    found = {f"{name} {seed}": pair(PROBLEMS[name], seed, budget) for name in chosen for seed in range(seeds)}
    informed, alone = (np.array([each[side] for each in found.values()]) for side in (0, 1))
    value, peer = float(np.median(informed)), float(np.median(alone))
    lines = [
        Headline("second study budget ratio", value, "without experience", peer, low=low, high=high, seeds=len(found))
        for low, high in [interval(informed.tolist())]
    ]
    return lines, {"ratios (with, without)": found, "means": [float(informed.mean()), float(alone.mean())]}


if __name__ == "__main__":
    run("study_second", measure)
