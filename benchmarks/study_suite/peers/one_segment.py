"""Drop all but the best few after one segment. "Is One Epoch All You Need?", Bohdal et al. 2023, arXiv 2307.15422."""

from __future__ import annotations

import numpy as np

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trials
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import drawn


def tune(problem: Problem, meter: Meter, seed: int, *, keep: int) -> None:
    """Spend on first segments of random configurations what finishing the best ``keep`` of them leaves."""
    trials, rng = Trials(problem, meter, seed), np.random.default_rng(seed)
    begun = [trials.begin(drawn(rng)) for _ in range(width(meter.budget, keep))]
    begun.sort(key=lambda trial: trials.loss(trial, 1))
    for trial in begun:
        trials.loss(trial, HORIZON)


def width(budget: float, keep: int) -> int:
    """Return how many configurations can be paid a first segment; where ``keep`` whole runs cannot be paid, fewer are kept."""
    kept = max(1, min(keep, int(budget + 1e-9)))
    return max(1, int(budget * HORIZON + 1e-6) - kept * (HORIZON - 1))
