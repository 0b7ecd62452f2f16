"""Fit the one AdamW, warm-up and cosine that is best over the training tasks: the peer called "calibrated".

``python -m benchmarks.pilot_suite.calibrate`` writes ``calibrated.json`` beside this file. It reads no held-out task.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.pilot_suite.ledger import Ledger, default_folder
from benchmarks.pilot_suite.recipes import Recipe
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.tasks import TASKS
from benchmarks.pilot_suite.teachers import TRAINING_TASKS, check_apart
from benchmarks.pilot_suite.training import settle, train

RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
DECAYS = (0.0, 1e-2, 1e-1)
WARMUPS = (0.02, 0.05, 0.1, 0.2)
# beyond twice the best a run is lost: how far beyond is no matter, or the tasks whose loss goes to 0 would decide alone
LOST = 2.0


def fit(losses_of: Callable[[Recipe], Sequence[float]]) -> tuple[Recipe, float]:
    """Return the recipe of least mean log excess over the best on each task, and that excess as a factor.

    ``losses_of``: validation losses, one a (task, seed). First rates and decays at a warm-up of 5 %, then warm-ups.
    """
    grid = [Recipe("cosine", "adamw", rate, decay, 0.05) for rate in RATES for decay in DECAYS]
    best = _best(grid, losses_of)[0]
    warmed = [Recipe("cosine", "adamw", best.rate, best.weight_decay, warmup) for warmup in WARMUPS]
    return _best([*grid, *warmed], losses_of)


def _best(grid: Sequence[Recipe], losses_of: Callable[[Recipe], Sequence[float]]) -> tuple[Recipe, float]:
    losses = np.asarray([losses_of(recipe) for recipe in grid])
    excess = np.log(np.minimum(losses / losses.min(axis=0), LOST)).mean(axis=1)
    place = int(np.argmin(excess))
    return grid[place], math.exp(excess[place])


def main() -> None:
    """Make the runs that are missing and write the fit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pilot_suite.calibrate")
    parser.add_argument("--results", type=Path, default=default_folder() / "calibration")
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    check_apart(set(TASKS))
    settle()
    held = Ledger(arguments.results)

    def losses_of(recipe: Recipe) -> list[float]:
        return [_loss(held, task, recipe, seed) for task in TRAINING_TASKS for seed in range(arguments.seeds)]

    best, excess = fit(losses_of)
    found = {"rate": best.rate, "weight_decay": best.weight_decay, "warmup": best.warmup}
    fitted = {**found, "excess": round(excess, 4), "seeds": arguments.seeds, "tasks": [task.name for task in TRAINING_TASKS]}
    text = json.dumps(fitted, indent=1)
    Path(__file__).with_name("calibrated.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _loss(held: Ledger, task: Task, recipe: Recipe, seed: int) -> float:
    run = held.find(task, recipe, seed)
    if run is None:
        run = train(task, recipe, seed)
        held.add(task, recipe, seed, run)
        print(f"{task.name} {recipe.rate:g} {recipe.weight_decay:g} {recipe.warmup:g}: {run.final_validation:.5g}", flush=True)
    return run.final_validation


if __name__ == "__main__":
    main()
