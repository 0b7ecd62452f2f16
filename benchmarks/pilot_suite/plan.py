"""Which runs are wanted, the cheap and decisive ones first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.pilot_suite import recipes
from benchmarks.pilot_suite.ledger import Ledger
from benchmarks.pilot_suite.recipes import Kind, Recipe
from benchmarks.pilot_suite.task import Task

METHODS = ("pilot", "cosine", "calibrated", "oracle", *recipes.PEERS, "speed")
NEIGHBOURS = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """The extent of a measurement. ``policy``: what tells the Pilot from others; empty if there is none."""

    tasks: Sequence[Task]
    kinds: Sequence[Kind]
    methods: Sequence[str]
    seeds: int
    oracle_seeds: int
    speed_seeds: int
    policy: str


@dataclass(frozen=True, slots=True)
class Job:
    task: Task
    recipe: Recipe
    seed: int


def jobs(wanted: Wanted, ledger: Ledger) -> Iterator[Job]:
    """Yield all runs in order, made already or not, some more than once. What comes last may depend on what came first."""
    for task in wanted.tasks:
        yield from _some(wanted, task, 0, ("cosine", "calibrated", "pilot", "oracle"))
    for task in wanted.tasks:
        yield from _some(wanted, task, 0, recipes.PEERS)
    for seed in range(1, wanted.seeds):
        for task in wanted.tasks:
            yield from _some(wanted, task, seed, ("cosine", "calibrated", "pilot"))
    for seed in range(1, wanted.seeds):
        for task in wanted.tasks:
            yield from _some(wanted, task, seed, recipes.PEERS)
    for seed in range(max(wanted.oracle_seeds, wanted.speed_seeds)):
        yield from _costly(wanted, ledger, seed)


def _costly(wanted: Wanted, ledger: Ledger, seed: int) -> Iterator[Job]:
    for task in wanted.tasks:
        if seed < wanted.oracle_seeds:
            yield from _some(wanted, task, seed, ("oracle",))
        if seed < wanted.speed_seeds and "speed" in wanted.methods:
            yield from (Job(task, recipe, seed) for recipe in longer_and_shorter(task, ledger))


def longer_and_shorter(task: Task, ledger: Ledger) -> Iterator[Recipe]:
    """Yield AdamW with cosine at each length, at the rates around the best at the task's own length, and the calibrated one."""
    rates = recipes.ORACLE_RATES["adamw"]
    found = [ledger.find(task, recipes.cosine("adamw", rate), 0) for rate in rates]
    losses = [np.inf if run is None else run.final_validation for run in found]
    best = int(np.argmin(losses))
    for length in recipes.LENGTHS:
        yield recipes.calibrated(length)
        for rate in rates[max(best - NEIGHBOURS, 0) : best + NEIGHBOURS + 1]:
            yield stretched(rate, length)


def stretched(rate: float, length: float) -> Recipe:
    """Return AdamW with cosine over another length; at length 1 it is the run that the oracle made."""
    return Recipe("cosine", "adamw", rate, recipes.DEFAULT_DECAY["adamw"], recipes.WARMUP, length)


def _some(wanted: Wanted, task: Task, seed: int, methods: Sequence[str]) -> Iterator[Job]:
    for method in methods:
        if method in wanted.methods:
            yield from (Job(task, recipe, seed) for recipe in _recipes(method, wanted))


def _recipes(method: str, wanted: Wanted) -> Iterator[Recipe]:
    if method == "calibrated":
        yield recipes.calibrated()
        return
    for kind in wanted.kinds:
        if method == "cosine":
            # the default and the user's own from each sane start
            yield from (recipes.cosine(kind, rate) for rate in dict.fromkeys((recipes.DEFAULT_RATE[kind], *recipes.SANE)))
        elif method == "oracle":
            yield from recipes.oracle(kind)
        elif method == "pilot":
            yield from (recipes.pilot(kind, start, wanted.policy) for start in recipes.STARTS if wanted.policy)
        else:
            yield recipes.peer(method, kind)
