"""Population-based training by Ray Tune of a task of trimtab: the weak copy the strong and go on under other settings.

Jaderberg et al. 2017, arXiv 1711.09846, with Ray's own quantile and factors; what a space does not let change in mid-run stays
as it is copied.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}  # read when Ray is imported

import ray
from ray import tune as ray_tune
from ray.tune.schedulers import PopulationBasedTraining

import trimtab as tt
from trimtab.seeds import derive
from trimtab.task import Segment

SHARE = 0.1
"""Of a run: before the first exchange, and from one to the next."""
HIGHEST = 1e9
"""What is told of an error that is no number."""


class Member(ray_tune.Trainable):
    """One of the population: a training of the task in ``config["module"]``, a segment a step."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config, self.state, self.index = new_config, None, 0
        self.task = new_config["module"].make_task(new_config["seed"])
        return True

    def step(self) -> dict[str, Any]:
        module, settings = self.config["module"], self.config["module"].SPACE.check(self.config["settings"])
        seed = derive(self.config["seed"], str(dict(settings)))
        if self.state is None:
            self.state = self.task.start(settings, seed=seed)
        after = self.task.advance(self.state, Segment(settings, derive(seed, self.index), self.index, module.HORIZON))
        self.index += 1
        error = self.task.goal.error(after.metrics)
        fine = after.status != "diverged" and math.isfinite(error)
        if fine:
            Path(self.config["folder"], f"{error:.9e} {self.trial_id} {self.index}").write_bytes(self.task.encode(self.state))
        return {"loss": error if fine else HIGHEST, "done": not fine}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "state").write_bytes(self.task.encode(self.state))
        Path(checkpoint_dir, "index").write_text(str(self.index))

    def load_checkpoint(self, checkpoint: str) -> None:
        self.state = self.task.decode(Path(checkpoint, "state").read_bytes())
        self.index = int(Path(checkpoint, "index").read_text())


def pbt(module: Any, seed: int, runs: int) -> Mapping[str, float]:
    """Train a population of ``runs`` and return the test metrics of the best checkpoint by validation."""
    rng, space, interval = np.random.default_rng(seed), module.SPACE, max(1, round(SHARE * module.HORIZON))
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=interval,
        burn_in_period=interval,
        hyperparam_mutations={"settings": {name: domain(member) for name, member in space.items() if member.live}},
        custom_explore_fn=lambda config: {**config, "settings": within(space, config["settings"])},
        log_config=False,
        synch=True,
    )
    with TemporaryDirectory() as folder, _ray():
        kept = Path(folder, "kept")
        kept.mkdir()
        members = [dict(space.sample(rng)) for _ in range(runs)]
        tuner = ray_tune.Tuner(
            Member,
            param_space={
                "settings": ray_tune.grid_search(members),
                "module": module,
                "seed": seed,
                "folder": str(kept),
            },
            tune_config=ray_tune.TuneConfig(metric="loss", mode="min", scheduler=scheduler, reuse_actors=True),
            run_config=ray_tune.RunConfig(storage_path=folder, stop={"training_iteration": module.HORIZON}, verbose=0),
        )
        for failure in tuner.fit().errors:
            raise failure
        best = min(kept.iterdir(), key=lambda path: float(path.name.split()[0]))
        task = module.make_task(seed)
        return task.evaluate(task.decode(best.read_bytes()), "test")


def domain(member: Any) -> Any:
    """Return what Ray draws new values of a hyperparameter from."""
    if isinstance(member, tt.Int):
        whole = ray_tune.lograndint if member.log else ray_tune.randint
        return whole(int(member.low), int(member.high) + 1)
    if isinstance(member, tt.Float):
        return (ray_tune.loguniform if member.log else ray_tune.uniform)(member.low, member.high)
    return list(member.choices) if isinstance(member, tt.Categorical) else [False, True]


def within(space: tt.Space, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` in ``space``: a factor of 1.2 or 0.8 may lead out of it, or off whole numbers."""
    found = dict(settings)
    for name, member in space.items():
        if isinstance(member, tt.Int | tt.Float):
            value = min(max(settings[name], member.low), member.high)
            found[name] = round(value) if isinstance(member, tt.Int) else value
    return found


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
