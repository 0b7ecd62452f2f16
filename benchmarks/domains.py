"""Fields of the examples: each task by its default, by random search, by TPE with Hyperband, by a study and by a Pilot.

Random search, TPE and the study have the budget of ten whole runs, in segments; their settings are applied by the same task.
Each picks a checkpoint by validation; the test split is read once for it. What the present code made is in the ledger beside
it and is not made again. With all fields and five seeds it takes a night.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.domains_suite.ledger import FOLDER, Ledger, Outcome, version_of
from benchmarks.domains_suite.methods import METHODS, PEERS
from benchmarks.results import Headline, Measured, interval, run

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


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and compare, field by field."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    fields, seeds, runs = (QUICK, 1, 2) if arguments.quick else (arguments.only or FIELDS, arguments.seeds, RUNS)
    folder = Path(tempfile.mkdtemp()) if arguments.quick else FOLDER
    ledgers = {field: Ledger(field, folder) for field in fields}
    if not arguments.show:
        for seed in range(seeds):
            for field, ledger in ledgers.items():
                make(ledger, field, arguments.methods, seed, runs)
    return compared(ledgers, runs)


def make(ledger: Ledger, field: str, methods: Sequence[str], seed: int, runs: int) -> None:
    """Measure ``methods`` on ``field`` with ``seed`` where the present code has not."""
    module: Any = importlib.import_module(f"examples.{field}.task")
    for method in methods:
        version = version_of(field, method)
        known = ledger.outcomes.get((method, seed, runs))
        if known is not None and known.version == version:
            continue
        began = time.perf_counter()
        metrics = METHODS[method](module, seed, runs)
        seconds = time.perf_counter() - began
        ledger.add(Outcome(method, seed, runs, version, metrics[module.HEADLINE], metrics["loss"], seconds))
        print(f"{field} {method} {seed}: {metrics[module.HEADLINE]:.4f} ({seconds:.0f} s)", file=sys.stderr, flush=True)


def compared(ledgers: dict[str, Ledger], runs: int) -> Measured:
    """Return the study beside the best peer and the Pilot beside the same loop without it, where there are both."""
    lines, shares, details = list[Headline](), list[Headline](), dict[str, Any]()
    pairs = (
        ("study", PEERS, "share of rows better than the best peer"),
        ("pilot", ("cosine",), "share of rows Pilot at or above default"),
    )
    for ours, peers, title in pairs:
        wins = list[bool]()
        for field, ledger in ledgers.items():
            line = beside(ledger, field, ours, peers, runs)
            if line is not None:
                sign = -1 if line.better == "lower" else 1
                ahead = sign * (line.value - line.peer_value)
                wins.append(ahead >= 0 if ours == "pilot" else ahead > 0)
                lines.append(line)
        if wins:
            shares.append(Headline(title, sum(wins) / len(wins), seeds=max(line.seeds for line in lines), better="higher"))
    for field, ledger in ledgers.items():
        details[field] = {f"{method}/{seed}": ledger.outcomes[method, seed, at].figure for method, seed, at in ledger.outcomes}
    return [*shares, *lines], {"figures": details}


def beside(ledger: Ledger, field: str, ours: str, peers: Sequence[str], runs: int) -> Headline | None:
    """Return the median of ``ours`` beside the best median of ``peers``; None where not all of them have a seed."""
    seeds = ledger.seeds((ours, *peers), runs)
    if not seeds:
        return None
    metric = importlib.import_module(f"examples.{field}.task").HEADLINE
    held = {name: [ledger.outcomes[name, seed, runs].figure for seed in range(seeds)] for name in (ours, *peers)}
    middle = {name: median(values) for name, values in held.items()}
    better = "lower" if metric == "loss" else "higher"
    best = (min if better == "lower" else max)(peers, key=lambda peer: middle[peer])
    low, high = interval(held[ours])
    ratio = middle[ours] / middle[best]
    return Headline(f"{field}: {metric} of the {ours}", middle[ours], best, middle[best], ratio, low, high, seeds, better)


if __name__ == "__main__":
    run(
        "domains",
        measure,
        ("--only", {"nargs": "+", "choices": FIELDS, "help": "some of the fields"}),
        ("--methods", {"nargs": "+", "choices": tuple(METHODS), "default": tuple(METHODS), "help": "some of the methods"}),
        ("--seeds", {"type": int, "default": SEEDS}),
        ("--show", {"action": "store_true", "help": "make nothing, show what there is"}),
    )
