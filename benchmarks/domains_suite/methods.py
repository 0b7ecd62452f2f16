"""How the settings of a field are chosen: each method trains the example's own task and reads its test split once."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna

import trimtab as tt
from examples.baselines import fixed, random_search
from trimtab.seeds import derive
from trimtab.task import Segment

PEERS = ("default", "random search", "tpe-hyperband")
"""What a study is compared with; a Pilot is with "cosine", the same loop without it."""
Method = Callable[[Any, int, int], Mapping[str, float]]
"""``(task's module, seed, runs) -> test metrics``."""


def default(module: Any, seed: int, runs: int) -> Mapping[str, float]:
    """Train one run at the default settings, with the task's cosine."""
    del runs
    return fixed("", module.make_task(seed), module.DEFAULT, horizon=module.HORIZON, seed=seed).test


def random(module: Any, seed: int, runs: int) -> Mapping[str, float]:
    """Train whole runs of settings drawn at random."""
    task, horizon = module.make_task(seed), module.HORIZON
    return random_search(task, module.SPACE, horizon=horizon, segments=runs * horizon, seed=seed).test


def tpe_hyperband(module: Any, seed: int, runs: int) -> Mapping[str, float]:
    """Train runs of settings by Optuna's TPE, cut short by its Hyperband. Li et al. 2018."""
    task, horizon, space = module.make_task(seed), module.HORIZON, module.SPACE
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=False)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.HyperbandPruner(1, horizon, 3))
    left, best = runs * horizon, (float("inf"), b"")
    while left > 0:
        trial = study.ask()
        settings = space.check({name: _suggested(trial, name, member) for name, member in space.items()})
        trial_seed = derive(seed, "trial", trial.number)
        state, error, pruned = task.start(settings, seed=trial_seed), float("inf"), False
        for index in range(min(horizon, left)):
            after = task.advance(state, Segment(settings, derive(trial_seed, index), index, horizon))
            left, error = left - 1, task.goal.error(after.metrics)
            if error < best[0]:
                best = error, task.encode(state)
            trial.report(min(error, 1e6), index + 1)
            if after.status == "diverged" or trial.should_prune():
                pruned = True
                break
        study.tell(trial, None if pruned else min(error, 1e6), optuna.trial.TrialState.PRUNED if pruned else None)
    return task.evaluate(task.decode(best[1]), "test")


def _suggested(trial: optuna.Trial, name: str, member: Any) -> Any:
    if isinstance(member, tt.Float):
        return trial.suggest_float(name, member.low, member.high, log=member.log)
    if isinstance(member, tt.Int):
        return trial.suggest_int(name, member.low, member.high, log=member.log)
    return trial.suggest_categorical(name, member.choices if isinstance(member, tt.Categorical) else (False, True))


def study(module: Any, seed: int, runs: int) -> Mapping[str, float]:
    """Spend the budget by a study as the example has it."""
    with tempfile.TemporaryDirectory() as folder:
        budget = tt.Budget(segments=runs * module.HORIZON)
        return module.study(seed, budget=budget, store=Path(folder) / "study.db").run().evaluate_on_test()


def _flown(*, steer: bool) -> Method:
    def fly(module: Any, seed: int, runs: int) -> Mapping[str, float]:
        del runs
        pilot = importlib.import_module(module.__name__.replace(".task", ".pilot"))
        return pilot.fly(seed, steer=steer)

    return fly


METHODS: Mapping[str, Method] = {
    "default": default,
    "random search": random,
    "tpe-hyperband": tpe_hyperband,
    "study": study,
    "pilot": _flown(steer=True),
    "cosine": _flown(steer=False),
}
