"""Random search: whole runs."""

from __future__ import annotations

import numpy as np

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trials
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import drawn


def tune(problem: Problem, meter: Meter, seed: int) -> None:
    trials, rng = Trials(problem, meter, seed), np.random.default_rng(seed)
    while True:
        trials.loss(trials.begin(drawn(rng)), HORIZON)
