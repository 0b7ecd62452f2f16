"""Fields of the examples: each task by its default, by random search, by TPE with Hyperband, by a study and by a Pilot.

Random search, TPE and the study have the budget of ten whole runs, in segments; their settings are applied by the same task.
Each picks a checkpoint by validation; the test split is read once for it. What was made is kept in the cache folder, by the
code that made it. With all fields and five seeds it takes a night.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import torch

import trimtab as tt
from benchmarks.kept import Figures, Kept, kept
from benchmarks.results import Headline, Measured, interval, run
from examples.baselines import fixed, random_search
from trimtab.seeds import derive
from trimtab.task import Segment

FIELDS = (
    "questions",
    "sentiment",
    "translation",
    "digit_images",
    "chest_xrays",
    "cells",
    "recommender",
    "heart_beats",
    "survival",
    "pretrained_text",
    "faces",
    "own_start",
)
QUICK = ("survival", "heart_beats", "questions")
RUNS, SEEDS = 10, 5
PEERS = ("default", "random search", "tpe-hyperband")
Made = dict[str, Figures]
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


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and compare, field by field."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    fields, seeds, runs = (QUICK, 1, 2) if arguments.quick else (arguments.only or FIELDS, arguments.seeds, RUNS)
    found = {field: kept_of(field) for field in fields}
    made = {
        (key := key_of(field, method, seed, runs)): found[field].get(key, partial(_tested, METHODS[method], field, seed, runs))
        for seed in range(seeds)
        for field in fields
        for method in METHODS
    }
    return _figures(made, fields, seeds, runs)


def _figures(made: Made, fields: tuple[str, ...], seeds: int, runs: int) -> Measured:
    lines, ahead, flown, details = list[Headline](), 0, 0, dict[str, Any]()
    for field in fields:
        name = importlib.import_module(f"examples.{field}.task").HEADLINE
        held = {method: [made[key_of(field, method, seed, runs)]["figure"] for seed in range(seeds)] for method in METHODS}
        middle = {method: median(values) for method, values in held.items()}
        sign = -1 if name == "loss" else 1
        best = max(PEERS, key=lambda peer: sign * middle[peer])
        low, high = interval(held["study"])
        ahead += sign * middle["study"] > sign * middle[best]
        flown += sign * middle["pilot"] >= sign * middle["cosine"]
        better = "lower" if name == "loss" else "higher"
        ratio = middle["study"] / middle[best]
        lines.append(Headline(f"{field}: {name}", middle["study"], best, middle[best], ratio, low, high, seeds, better))
        details[field] = held
    lines.insert(0, Headline("share of rows better than the best peer", ahead / len(fields), seeds=seeds, better="higher"))
    lines.insert(1, Headline("share of rows Pilot at or above default", flown / len(fields), seeds=seeds, better="higher"))
    return lines, {"figures": details}


def _tested(method: Method, field: str, seed: int, runs: int) -> Figures:
    """Return the test figure of a field and the test loss, and the seconds that they took."""
    module = importlib.import_module(f"examples.{field}.task")
    began = time.perf_counter()
    metrics = method(module, seed, runs)
    return {"figure": metrics[module.HEADLINE], "loss": metrics["loss"], "seconds": time.perf_counter() - began}


def key_of(field: str, method: str, seed: int, runs: int = RUNS) -> str:
    """Return under which name a figure is kept."""
    return f"{field}/{method}/{seed}/{runs}"


def kept_of(field: str) -> Kept:
    """Return what was made of ``field`` by the present code."""
    examples = Path(__file__).parents[1] / "examples"
    own = [*sorted(examples.glob("*.py")), examples / field]
    return kept(f"domains/{field}", [*own, Path(tt.__file__).parent, Path(__file__)])


if __name__ == "__main__":
    run(
        "domains",
        measure,
        ("--only", {"nargs": "+", "choices": FIELDS, "help": "some of the fields"}),
        ("--seeds", {"type": int, "default": SEEDS}),
    )
