"""What each part of a Pilot is worth: the development tasks with it and without it. Resumable at any point.

A part that does not lower the median loss is not on by default. No held-out task is read.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from benchmarks.pilot_suite import figures, recipes
from benchmarks.pilot_suite.digest import pilot_digest
from benchmarks.pilot_suite.figures import Book, Cell
from benchmarks.pilot_suite.ledger import Ledger, default_folder
from benchmarks.pilot_suite.tasks import DEVELOPMENT, TASKS
from benchmarks.pilot_suite.training import PilotOptions, settle, train
from benchmarks.results import Headline, Measured, run

START = 1e-3


def _dropout(model: nn.Module) -> Mapping[str, Any]:
    return {"dropout": model} if any(isinstance(module, nn.Dropout) for module in model.modules()) else {}


VARIANTS: dict[str, PilotOptions] = {
    "as shipped": lambda _: {},
    "the reference schedule alone": lambda _: {"policy": None},
    "never going back": lambda _: {"back": False},
    "weight decay left alone": lambda _: {"weight_decay": False},
    "momentum too": lambda _: {"momentum": True},
    "dropout too": _dropout,
    "SGD with one rate for all": lambda _: {"balance": False},
}
ONLY: Mapping[str, recipes.Kind] = {"SGD with one rate for all": "sgd"}
"""Variants that differ with one optimizer alone."""


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing, then set each variant beside the Pilot as it is shipped."""
    settle()
    tasks = [TASKS[name] for name in (DEVELOPMENT[:2] if arguments.quick else DEVELOPMENT)]
    seeds = 1 if arguments.quick else arguments.seeds
    held = Ledger(arguments.results or default_folder() / "ablation")
    digest = pilot_digest(arguments.policy)
    flown_by = {} if arguments.policy is None else {"policy": str(arguments.policy)}
    for task in tasks:
        data = task.data()
        for kind, seed, (name, options) in _product(seeds):
            recipe = recipes.pilot(kind, START, f"{digest} {name}")
            if held.find(task, recipe, seed) is None:
                made = train(task, recipe, seed, pilot=lambda model, of=options: {**flown_by, **of(model)}, data=data)
                held.add(task, recipe, seed, made)
                print(f"{task.name} {kind} {name}: {made.final_validation:.5g} ({made.seconds:.1f} s)", flush=True)
    book = Book(held, tasks, recipes.KINDS, seeds, digest)
    found = {name: _beside_shipped(book, name) for name in VARIANTS if name != "as shipped"}
    lines = [_headline(name, ratios, seeds) for name, ratios in found.items()]
    return lines, {
        "ratios": {name: {f"{task} {kind}": value for (task, kind), value in of.items()} for name, of in found.items()}
    }


def _product(seeds: int) -> list[tuple[recipes.Kind, int, tuple[str, PilotOptions]]]:
    every = ((kind, seed, variant) for seed in range(seeds) for kind in recipes.KINDS for variant in VARIANTS.items())
    return [(kind, seed, variant) for kind, seed, variant in every if ONLY.get(variant[0], kind) == kind]


def _beside_shipped(book: Book, name: str) -> dict[Cell, float]:
    """Return the test loss of a variant over that of the Pilot as it is shipped."""

    def of(variant: str) -> figures.Measure:
        return lambda task, kind, seed: book.single(task, recipes.pilot(kind, START, f"{book.policy} {variant}"), seed)

    return figures.ratios(book, of(name), of("as shipped"))


def _headline(name: str, ratios: Mapping[Cell, float], seeds: int) -> Headline:
    low, high = figures.interval(ratios, figures.median)
    value = figures.median(np.asarray(list(ratios.values())))
    return dataclasses.replace(Headline(f"{name}, loss ratio", value), low=low, high=high, seeds=seeds)


if __name__ == "__main__":
    run(
        "pilot_ablation",
        measure,
        ("--results", {"type": Path, "help": "folder of the results (default: in the user's cache)"}),
        ("--policy", {"type": Path, "help": "a policy file instead of the one that the package ships"}),
        ("--seeds", {"type": int, "default": 3}),
    )
