"""The best model that is small enough: of a study that is told of a limit, and of one that is asked for it afterwards."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import trimtab as tt
from benchmarks.results import Headline, Measured, run
from benchmarks.study_suite import ours
from benchmarks.study_suite.problems import HORIZON, PROBLEMS
from trimtab.errors import StudyError
from trimtab.metatraining.learning import settle

CHOSEN: Mapping[str, int] = {"questions": 30_000, "computers": 3000}
"""Weights that a model may have: a third of those of the nets that do best, or less."""
SEEDS, RUNS = 6, 5


def loss_within(problem: str, most: int, seed: int, *, told: bool) -> float:
    """Return the lowest validation loss of a model of at most ``most`` weights, infinity where the study has none."""
    with tempfile.TemporaryDirectory() as folder:
        result = tt.Study(
            ours.task_of(PROBLEMS[problem]),
            ours.space(),
            budget=tt.Budget(segments=RUNS * HORIZON),
            horizon=HORIZON,
            limits={"parameters": most} if told else None,
            store=Path(folder) / "study.db",
            seed=seed,
        ).run()
        try:
            return math.exp(result.best_within(parameters=most).error)
        except StudyError:
            return math.inf


def measure(arguments: argparse.Namespace) -> Measured:
    """Make both studies of every problem and seed."""
    settle()
    chosen, seeds = (["computers"], 2) if arguments.quick else (list(CHOSEN), SEEDS)
    losses = {
        name: {told: [loss_within(name, CHOSEN[name], seed, told=told) for seed in range(seeds)] for told in (True, False)}
        for name in chosen
    }
    lines = [
        Headline(
            f"{name}: loss within {CHOSEN[name]:,} weights",
            float(np.median(found[True])),
            "asked afterwards",
            float(np.median(found[False])),
            low=min(found[True]),
            high=max(found[True]),
            seeds=seeds,
        )
        for name, found in losses.items()
    ]
    without = {name: sum(map(math.isinf, found[False])) for name, found in losses.items()}
    return lines, {"losses": losses, "studies without such a model when asked afterwards": without}


if __name__ == "__main__":
    run("study_limits", measure)
