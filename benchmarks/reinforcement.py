"""Agents that tune an agent: trainings of PPO and DQN by published settings, steered by a Pilot, and searched for.

The published settings (rl-baselines3-zoo), as they are and at the best of twenty looks, and the Pilot have one training each;
random search, TPE with Hyperband, population-based training and a study have ten. All are told the returns of the same
validation episodes; what counts is the mean return of 50 others, acting greedily. What this code made is kept beside it and is
not made again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch

import trimtab as tt
from benchmarks.domains_suite.ledger import FOLDER, version_of
from benchmarks.domains_suite.methods import METHODS, Method
from benchmarks.kept import Figures, Kept
from benchmarks.results import Headline, Measured, interval, run
from examples.reinforcement import pilot, zoo
from examples.reinforcement.settings import SPACES, default
from examples.reinforcement.task import ReinforcementTask

RUNS, SEEDS = 10, 5
FLOWN = ("published", "pilot")
SEARCHES = ("default", "random search", "tpe-hyperband", "pbt", "study")
AT_BEST = "published, at its best"


@dataclass(frozen=True)
class Cell:
    """One training: ``steps`` in ``environment`` by ``algorithm``. ``searched``: whether searches of ten of it are measured."""

    environment: str
    algorithm: str
    steps: int
    searched: bool = False

    @property
    def name(self) -> str:
        return f"{self.environment} {self.algorithm}"

    @property
    def segment(self) -> int:
        return zoo.every(self.environment, self.algorithm, self.steps)

    @property
    def methods(self) -> Sequence[str]:
        return (*FLOWN, *(SEARCHES if self.searched else ()))

    def module(self) -> SimpleNamespace:
        """Return the training as the searches take it: like an example's ``task.py``."""
        space, horizon = SPACES[self.algorithm], self.steps // self.segment

        def make_task(seed: int) -> ReinforcementTask:
            return ReinforcementTask(self.environment, self.algorithm, self.segment, seed)

        def study(seed: int, **options: Any) -> tt.Study:
            return tt.Study(make_task(seed), space, horizon=horizon, seed=seed, **options)

        settings = default(self.environment, self.algorithm)
        return SimpleNamespace(SPACE=space, DEFAULT=settings, HORIZON=horizon, make_task=make_task, study=study)


CELLS = (
    Cell("CartPole-v1", "ppo", 20_480, searched=True),
    Cell("CartPole-v1", "dqn", 20_480, searched=True),
    Cell("MiniGrid-Empty-5x5-v0", "ppo", 10_240, searched=True),
    Cell("MinAtar-breakout", "ppo", 102_400, searched=True),
    Cell("LunarLander-v3", "ppo", 327_680),
)


def kept(folder: Path = FOLDER) -> Kept:
    """Return what was made, by ``cell/method/seed/version``."""
    return Kept(folder / "reinforcement.json")


def made(cell: Cell, method: str, seed: int, runs: int = RUNS) -> Figures:
    """Train by ``method``; return the test return, the seconds, and of a single training its curve, by steps."""
    began = time.perf_counter()
    if method not in FLOWN:
        search = _population() if method == "pbt" else METHODS[method]
        found = {"return": search(cell.module(), seed, runs)["return"]}
        return {**found, "seconds": time.perf_counter() - began}
    fly = pilot.fly if method == "pilot" else zoo.fly
    flight = fly(seed, cell.environment, cell.algorithm, cell.steps)
    found = {"return": flight.test["return"], "at its best": flight.best["return"], "seconds": time.perf_counter() - began}
    return {**found, **{f"after {steps}": value for steps, value in flight.curve}}


def _population() -> Method:
    from benchmarks.domains_suite.population import pbt  # starts Ray's own imports, which take seconds

    return pbt


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and compare, training by training."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cells = [cell for cell in CELLS if not arguments.only or cell.name in arguments.only]
    cells, seeds = ([Cell("CartPole-v1", "ppo", 5120)], 1) if arguments.quick else (cells, arguments.seeds)
    held = kept(Path(tempfile.mkdtemp()) if arguments.quick else FOLDER)
    if not arguments.show:
        for seed in range(seeds):
            for cell in cells:
                for method in (method for method in cell.methods if method in arguments.methods):
                    key = f"{cell.name}/{method}/{seed}/{version_of('reinforcement', method)}"
                    held.get(key, partial(made, cell, method, seed))
    figures = {cell: returns(cell, held) for cell in cells}
    return [line for cell in cells for line in compared(cell, figures[cell])], {
        "returns": {cell.name: found for cell, found in figures.items()}
    }


def returns(cell: Cell, held: Kept) -> dict[str, list[float]]:
    """Return the test returns of each method that was measured, as many seeds of all that are compared with each other."""
    found = dict[str, list[float]]()
    for methods in (FLOWN, SEARCHES):
        lines = {method: [runs["return"] for runs in of(cell, method, held)] for method in methods}
        lines = {method: values for method, values in lines.items() if values}
        seeds = min(map(len, lines.values()), default=0)
        found |= {method: values[:seeds] for method, values in lines.items() if seeds}
    best = [runs["at its best"] for runs in of(cell, "published", held)][: len(found.get("published", ()))]
    return {**found, **({AT_BEST: best} if best else {})}


def of(cell: Cell, method: str, held: Kept) -> list[Figures]:
    """Return what is kept of ``method``, seed by seed; of several versions of the code the last that was made."""
    latest = {int(key.split("/")[2]): runs for key, runs in held.made.items() if key.split("/")[:2] == [cell.name, method]}
    return [latest[seed] for seed in sorted(latest)]


def compared(cell: Cell, found: dict[str, list[float]]) -> Iterator[Headline]:
    """Yield the Pilot beside the published settings, and the study beside the best of its peers."""
    for ours, peers in (("pilot", ("published", AT_BEST)), ("study", SEARCHES[:-1])):
        if ours in found:
            middle = {peer: median(found[peer]) for peer in peers if peer in found}
            best = max(middle, key=lambda peer: middle[peer])
            value, (low, high) = median(found[ours]), interval(found[ours])
            title = f"{cell.name}: return of the {ours}"
            ratio = value / middle[best] if middle[best] > 0 else float("nan")
            yield Headline(title, value, best, middle[best], ratio, low, high, len(found[ours]), "higher")


if __name__ == "__main__":
    run(
        "reinforcement",
        measure,
        ("--only", {"nargs": "+", "choices": [cell.name for cell in CELLS], "help": "some of the trainings"}),
        ("--methods", {"nargs": "+", "choices": (*FLOWN, *SEARCHES), "default": (*FLOWN, *SEARCHES), "help": "some of them"}),
        ("--seeds", {"type": int, "default": SEEDS}),
        ("--show", {"action": "store_true", "help": "make nothing, show what there is"}),
    )
