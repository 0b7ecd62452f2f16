"""Population-based training by Ray Tune: the weak copy the strong and go on under other settings, those of ``LIVE`` alone.

PBT: Jaderberg et al. 2017, arXiv 1711.09846. PB2: Parker-Holder et al. 2020, arXiv 2002.02518.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}  # read when Ray is imported

import ray
from ray import tune as ray_tune
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler
from ray.tune.schedulers.pb2 import PB2

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers import desk
from benchmarks.study_suite.peers.desk import Desk
from benchmarks.study_suite.peers.trials import Trials, cleaned, seed_globals
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import LIVE, NUMBERS, Number, drawn

Kind = Literal["pbt", "pb2"]
LARGEST = {"pbt": 8, "pb2": 4}
INTERVAL = 2
"""Segments between exchanges: 7 % of a run."""
BURN_IN = 0.1 * HORIZON


class Member(ray_tune.Trainable):
    """One of the population. It only asks: its training is at the desk."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config, self.number = new_config, None
        return True

    def step(self) -> dict[str, Any]:
        if self.number is None:
            self.number = self._call("begin", decoded(self.config))
        loss, over = self._call("advance", self.number)
        return {"loss": loss, "done": over}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "number").write_text(str(self._call("keep", self.number)))

    def load_checkpoint(self, checkpoint: str) -> None:
        kept, settings = int(Path(checkpoint, "number").read_text()), decoded(self.config)
        self.number = self._call("resume", kept, {name: settings[name] for name in LIVE})

    def _call(self, verb: str, *arguments: Any) -> Any:
        return desk.call(self.config["desk"], verb, *arguments)


def tune(problem: Problem, meter: Meter, seed: int, *, kind: Kind) -> None:
    """Train one population after the other, each as large as can be paid, up to ``LARGEST``."""
    seed_globals(seed)
    board, rng = Desk(Trials(problem, meter, seed)), np.random.default_rng(seed)
    with desk.opened(board) as address, TemporaryDirectory() as folder, _ray():
        while (left := meter.budget - meter.spent) * HORIZON > 1 - 1e-6:
            members = [drawn(rng) for _ in range(size(left, LARGEST[kind]))]
            _train(kind, members, address, folder)
            if board.stopped:
                raise board.stopped
            board.clear()


def size(left: float, largest: int) -> int:
    """Return how many members can be trained to the end with what is left, two at least."""
    return max(2, min(largest, int(left + 1e-9)))


def _train(kind: Kind, members: list[dict[str, Any]], address: desk.Address, folder: str) -> None:
    """Train a population to the end, or until the budget is used."""
    tuner = ray_tune.Tuner(
        Member,
        param_space={
            "settings": ray_tune.grid_search([encoded(kind, settings) for settings in members]),
            "kind": kind,
            "desk": address,
        },
        tune_config=ray_tune.TuneConfig(metric="loss", mode="min", scheduler=scheduler(kind), reuse_actors=True),
        run_config=ray_tune.RunConfig(storage_path=folder, stop={"training_iteration": HORIZON}, verbose=0),
    )
    for error in tuner.fit().errors:
        raise error


def scheduler(kind: Kind) -> TrialScheduler:
    if kind == "pb2":
        return PB2(
            time_attr="training_iteration",
            perturbation_interval=INTERVAL,
            hyperparam_bounds={"settings": {name: [0.0, 1.0] for name in LIVE}},
            quantile_fraction=0.25,
            log_config=False,
            synch=True,
        )
    return PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=INTERVAL,
        burn_in_period=BURN_IN,
        hyperparam_mutations={"settings": {name: _domain(NUMBERS[name]) for name in LIVE}},
        quantile_fraction=0.25,
        custom_explore_fn=_within_bounds,
        log_config=False,
        synch=True,
    )


def encoded(kind: Kind, settings: Mapping[str, Any]) -> dict[str, Any]:
    """PB2 knows no logarithmic scales: it is given positions from 0 to 1."""
    return {**settings, **{name: NUMBERS[name].position(settings[name]) for name in LIVE}} if kind == "pb2" else dict(settings)


def decoded(config: Mapping[str, Any]) -> dict[str, Any]:
    settings = config["settings"]
    return {**settings, **{name: NUMBERS[name].at(settings[name]) for name in LIVE}} if config["kind"] == "pb2" else settings


def _domain(number: Number) -> Any:
    if number.whole:
        return ray_tune.lograndint(int(number.low), int(number.high) + 1)
    return (ray_tune.loguniform if number.log else ray_tune.uniform)(number.low, number.high)


def _within_bounds(config: dict[str, Any]) -> dict[str, Any]:
    """A factor of 1.2 or 0.8 may lead out of the space."""
    return {**config, "settings": cleaned(config["settings"])}


@contextmanager
def _ray() -> Iterator[None]:
    """Start Ray with one processor: one member trains at a time."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ray.init(
        "local",
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"env_vars": paths},
    )
    try:
        yield
    finally:
        ray.shutdown()
