"""Syne Tune's asynchronous successive halving, which stops trials: at random, or by conformal quantile regression.

Salinas et al. 2023, "Optimizing hyperparameters with conformal quantile regression".
"""

from __future__ import annotations

import datetime
import logging
from itertools import count
from typing import Any, Literal

from syne_tune import config_space
from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer import baselines
from syne_tune.optimizer.scheduler import SchedulerDecision

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trials, seed_globals
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import CHOICES, NUMBERS, Number


def tune(problem: Problem, meter: Meter, seed: int, *, kind: Literal["ASHA", "ASHACQR"]) -> None:
    logging.getLogger("syne_tune").setLevel(logging.ERROR)
    seed_globals(seed)
    trials = Trials(problem, meter, seed)
    scheduler = getattr(baselines, kind)(
        space(), "loss", time_attr="segments", max_t=HORIZON, grace_period=1, reduction_factor=3, brackets=1, random_seed=seed
    )
    for number in count():
        suggested = scheduler.suggest().config
        _run(scheduler, Trial(number, suggested, datetime.datetime.now(datetime.UTC)), trials)


def _run(scheduler: Any, trial: Trial, trials: Trials) -> None:
    scheduler.on_trial_add(trial)
    training, decision = trials.begin(trial.config), SchedulerDecision.CONTINUE
    while decision == SchedulerDecision.CONTINUE:
        segments = len(training.losses) + 1
        decision = scheduler.on_trial_result(trial, {"loss": trials.loss(training, segments), "segments": segments})
    scheduler.on_trial_remove(trial)


def space() -> dict[str, Any]:
    numbers = {name: _domain(number) for name, number in NUMBERS.items()}
    return numbers | {name: config_space.choice(list(choices)) for name, choices in CHOICES.items()}


def _domain(number: Number) -> Any:
    if number.whole:
        make = config_space.lograndint if number.log else config_space.randint
        return make(int(number.low), int(number.high))
    return (config_space.loguniform if number.log else config_space.uniform)(number.low, number.high)
