"""Optuna's Gaussian process, whole runs."""

from __future__ import annotations

import optuna

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.optuna_space import suggested
from benchmarks.study_suite.peers.trials import Trials
from benchmarks.study_suite.problems import HORIZON, Problem


def tune(problem: Problem, meter: Meter, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials = Trials(problem, meter, seed)
    study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=seed, deterministic_objective=False))
    while True:
        asked = study.ask()
        study.tell(asked, trials.loss(trials.begin(suggested(asked)), HORIZON))
