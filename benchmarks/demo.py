"""The demo on ten seeds: error of trimtab beside random search with the same segments, a common default and the bad start."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from benchmarks.results import Headline, Measured, interval, run
from examples.baselines import Row, fixed, random_search
from examples.demo import tune
from examples.digits import BAD, DEFAULT, SPACE, make_task

SEGMENTS = 400
HORIZON = 40


def rows(seed: int) -> list[Row]:
    """Return what each method came to on one seed: its own split of the data, its own initial weights."""
    task = make_task(seed)
    alone = fixed("left alone", task, BAD, horizon=HORIZON, seed=seed)
    default = fixed("default", task, DEFAULT, horizon=HORIZON, seed=seed)
    searched = random_search(task, SPACE, horizon=HORIZON, segments=SEGMENTS, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        tuned, _ = tune(segments=SEGMENTS, workers=1, seed=seed, folder=Path(folder))
    found = [alone, default, searched, tuned]
    for row in found:
        validation, test = (f"{split['error']:.4f} {split['loss']:.4f}" for split in (row.validation, row.test))
        print(f"seed {seed}: {row.name}: validation {validation}, test {test}, {row.seconds:.1f} s", flush=True)
    return found


def compared(found: list[list[Row]], split: str, metric: str, peer: int) -> Headline:
    """Return trimtab's median beside that of method ``peer``; the interval is of the ratio of medians over seeds."""
    ours, theirs = (np.array([getattr(each[method], split)[metric] for each in found]) for method in (3, peer))
    name = {1: "a common default", 2: "random search"}[peer]
    # seeds are drawn as pairs: both methods had the same split
    pairs = np.stack([ours, theirs], axis=1)
    picked = np.random.default_rng(0).integers(len(pairs), size=(10_000, len(pairs)))
    medians = np.median(pairs[picked], axis=1)
    low, high = np.quantile(medians[:, 0] / np.maximum(medians[:, 1], 1e-9), (0.025, 0.975))
    value, peer_value = float(np.median(ours)), float(np.median(theirs))
    title = f"{split} {metric} ratio to {name}"
    return Headline(title, value / peer_value, name, peer_value, value / peer_value, float(low), float(high), len(found))


def measure(arguments: argparse.Namespace) -> Measured:
    """Run all methods on every seed."""
    torch.set_num_threads(1)
    found = [rows(seed) for seed in range(2 if arguments.quick else 10)]
    headlines = [
        compared(found, split, metric, peer)
        for peer in (2, 1)
        for split in ("test", "validation")
        for metric in ("error", "loss")
    ]
    seconds = [each[3].seconds / each[2].seconds for each in found]
    headlines.append(Headline("seconds ratio to random search", float(np.median(seconds)), "", *_blank(), *interval(seconds)))
    for method, name in enumerate(("left alone", "default", "random search", "trimtab")):
        errors = [each[method].test["error"] for each in found]
        headlines.append(
            Headline(f"{name}: test error", float(np.median(errors)), "", *_blank(), *interval(errors), len(found))
        )
    return headlines, {"rows": [[asdict(row) for row in each] for each in found]}


def _blank() -> tuple[float, float]:
    return float("nan"), float("nan")


if __name__ == "__main__":
    run("demo", measure)
