"""Optuna's default, TPE, with the pruner that its documentation pairs it with, Hyperband; cold, or begun with a portfolio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers import portfolio
from benchmarks.study_suite.peers.optuna_space import suggested
from benchmarks.study_suite.peers.trials import Trial, Trials
from benchmarks.study_suite.problems import HORIZON, Problem


def warm(problem: Problem, meter: Meter, seed: int) -> None:
    """Try first what was best on the pretraining problems."""
    tune(problem, meter, seed, begin=portfolio.read())


def tune(problem: Problem, meter: Meter, seed: int, *, begin: Sequence[Mapping[str, Any]] = ()) -> None:
    """``begin``: settings to try first, in this order."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials = Trials(problem, meter, seed)
    study = optuna.create_study(
        study_name=f"study-{seed}",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=HORIZON, reduction_factor=3),
    )
    for settings in begin:
        study.enqueue_trial(dict(settings))
    while True:
        asked = study.ask()
        _run(study, asked, trials, trials.begin(suggested(asked)))


def _run(study: optuna.Study, asked: optuna.Trial, trials: Trials, trial: Trial) -> None:
    for segments in range(1, HORIZON):
        asked.report(trials.loss(trial, segments), segments)
        if asked.should_prune():
            study.tell(asked, state=optuna.trial.TrialState.PRUNED)
            return
    loss = trials.loss(trial, HORIZON)
    asked.report(loss, HORIZON)
    study.tell(asked, loss)
