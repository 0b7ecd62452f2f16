"""Six streams of real data, each chunk predicted before it is trained on: trimtab beside what people do with a stream.

Every net is the same, and the same optimizer steps are made for it in all; what a forest takes is seen in its seconds. What was
made is kept in the cache folder, by the code that made it, so that a run can be stopped and gone on with.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import fmean, median

import numpy as np
import torch

import trimtab
from benchmarks.continual_suite.ours import tuned
from benchmarks.continual_suite.peers import PEERS, Method, errors
from benchmarks.continual_suite.streams import STREAMS
from benchmarks.kept import Figures, Kept, kept
from benchmarks.results import Headline, Measured, interval, run

SEEDS = 5
METHODS: Mapping[str, Method] = {"trimtab": tuned, **PEERS}
QUICK = ("bananas", "digits by class", "ratings")
Made = dict[str, Figures]


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and compare, stream by stream."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    names, seeds = (QUICK, 1) if arguments.quick else (arguments.only or tuple(STREAMS), arguments.seeds)
    found = _kept() if arguments.results is None else Kept(arguments.results)
    made = {
        f"{name}/{method}/{seed}": found.get(f"{name}/{method}/{seed}", partial(_followed, name, method, seed))
        for seed in range(seeds)
        for name in names
        for method in METHODS
    }
    return _figures(made, names, seeds)


def _followed(name: str, method: str, seed: int) -> dict[str, float]:
    stream, began = STREAMS[name], time.perf_counter()
    chunks = stream.read(seed)
    pairs = zip(METHODS[method](stream, chunks, seed), chunks, strict=True)
    error = float(np.concatenate([errors(stream, predicted, chunk[1].numpy()) for predicted, chunk in pairs]).mean())
    return {"error": error if stream.classes else math.sqrt(error), "seconds": time.perf_counter() - began}


def _figures(made: Made, names: tuple[str, ...], seeds: int) -> Measured:
    lines, ratios, details = list[Headline](), list[float](), dict[str, object]()
    for name in names:
        held = {method: [made[f"{name}/{method}/{seed}"] for seed in range(seeds)] for method in METHODS}
        means = {method: fmean(one["error"] for one in each) for method, each in held.items()}
        best = min(PEERS, key=lambda method: means[method])
        own, other = ([one["error"] for one in held[method]] for method in ("trimtab", best))
        paired = [mine / theirs for mine, theirs in zip(own, other, strict=True)]
        low, high = interval(paired)
        ratios.append(means["trimtab"] / means[best])
        lines.append(Headline(f"continual: {name}", means["trimtab"], best, means[best], ratios[-1], low, high, seeds))
        seconds = {method: median(one["seconds"] for one in each) for method, each in held.items()}
        details[name] = {"errors": means, "seconds": seconds}
    below = sum(ratio < 1 for ratio in ratios)
    lines.insert(0, Headline("continual: streams below the best of five", below, seeds=seeds, better="higher"))
    lines.insert(1, Headline("continual: worst ratio to the best", max(ratios), seeds=seeds))
    return lines, {"streams": details}


def _kept() -> Kept:
    folder = Path(trimtab.__file__).parent
    return kept("continual", [folder / "continual", folder / "agents", Path(__file__).parent / "continual_suite"])


if __name__ == "__main__":
    run(
        "continual",
        measure,
        ("--only", {"nargs": "+", "choices": STREAMS, "help": "some of the streams"}),
        ("--seeds", {"type": int, "default": SEEDS}),
        ("--results", {"type": Path, "help": "file of what was made (default: in the cache folder, by version)"}),
    )
