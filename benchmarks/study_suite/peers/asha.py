"""Asynchronous successive halving by promotion, one bracket, checkpoints resumed. Li et al. 2020, algorithm 2.

arXiv 1810.05934. Written here because no installed package has it: Syne Tune 0.16 and Ray Tune stop instead of promoting;
NePS 0.17 takes the best third of those that were not promoted yet, by which nearly everyone is promoted.
"""

from __future__ import annotations

import numpy as np

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trial, Trials
from benchmarks.study_suite.problems import Problem
from benchmarks.study_suite.space import drawn

ETA = 3
LEVELS = (1, 3, 9, 27)
"""Segments of each rung."""


def tune(problem: Problem, meter: Meter, seed: int) -> None:
    trials, rng = Trials(problem, meter, seed), np.random.default_rng(seed)
    begun: list[Trial] = []
    rungs: list[dict[int, float]] = [{} for _ in LEVELS]
    while True:
        number, rung = promotable(rungs) or (len(begun), 0)
        if number == len(begun):
            begun.append(trials.begin(drawn(rng)))
        rungs[rung][number] = trials.loss(begun[number], LEVELS[rung])


def promotable(rungs: list[dict[int, float]]) -> tuple[int, int] | None:
    """Return who goes up to which rung, the highest first: one of the best third of a rung who is not above it yet."""
    for rung in reversed(range(len(rungs) - 1)):
        reached = rungs[rung]
        for number in sorted(reached, key=reached.__getitem__)[: len(reached) // ETA]:
            if number not in rungs[rung + 1]:
                return number, rung + 1
    return None
