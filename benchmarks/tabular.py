"""Estimators for tables beside gradient boosting, as it comes and tuned, and a tuned perceptron, on ten tables.

A tuned peer has the seconds that ours took; one thread each. What was made is kept in the cache folder, by the code that
made it. With five seeds it takes some hours.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import trimtab as tt
from benchmarks.kept import Figures, kept
from benchmarks.results import Headline, Measured, interval, run
from benchmarks.tabular_suite.peers import boosting, suggested_boosting, suggested_perceptron, tuned
from benchmarks.tabular_suite.tables import TABLES, Divided, divide, frame_for_boosting
from trimtab.integrations.tabular import TabularClassifier, TabularRegressor

SEEDS, QUICK = 5, ("phishing", "housing")
PEERS = ("boosting", "tuned boosting", "tuned perceptron")


def compare(parts: Divided, seed: int, segments: int) -> Figures:
    """Return test scores (accuracy, R²) of ours and the peers on one division of a table, and the seconds of ours."""
    train, test = parts.train, parts.test
    kind = TabularClassifier if train.classes else TabularRegressor
    began = time.perf_counter()
    ours = kind(segments=segments, random_state=seed).fit(train.rows, train.targets)
    seconds = time.perf_counter() - began
    boosted, boosted_test = frame_for_boosting(train.rows), frame_for_boosting(test.rows)
    return {
        "trimtab": float(ours.score(test.rows, test.targets)),
        "boosting": float(boosting(train, seed).fit(boosted, train.targets).score(boosted_test, test.targets)),
        "tuned boosting": float(
            tuned(suggested_boosting, train, seed, seconds, as_boosting=True).score(boosted_test, test.targets)
        ),
        "tuned perceptron": float(
            tuned(suggested_perceptron, train, seed, seconds, as_boosting=False).score(test.rows, test.targets)
        ),
        "seconds": seconds,
    }


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and compare, table by table."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    names, seeds, segments = (QUICK, 1, 40) if arguments.quick else (tuple(TABLES), arguments.seeds, 200)
    here = Path(__file__)
    found = kept("tabular", [Path(tt.__file__).parent, here, here.parent / "tabular_suite"])
    held: dict[str, list[Figures]] = {name: [] for name in names}
    with threadpool_limits(1):
        for seed in range(seeds):
            for name in names:
                make = partial(compare, divide(TABLES[name](), seed), seed, segments)
                held[name].append(found.get(f"{name}/{seed}/{segments}", make))
    return _figures(held, seeds)


def _figures(held: dict[str, list[Figures]], seeds: int) -> Measured:
    lines, details = list[Headline](), dict[str, Any]()
    for peer in PEERS:
        # ratio of test errors, 1 - score, pair by pair
        ratios = {name: [(1 - row["trimtab"]) / (1 - row[peer]) for row in rows] for name, rows in held.items()}
        middle = [float(np.median(each)) for each in ratios.values()]
        low, high = interval(middle)
        share = float(np.mean([each <= 1 for each in middle]))
        name = f"test error over that of {peer}, median of tables"
        lines.append(Headline(name, float(np.median(middle)), low=low, high=high, seeds=seeds))
        lines.append(Headline(f"share of tables at or below {peer}", share, seeds=seeds, better="higher"))
        details[peer] = ratios
    for name, rows in held.items():
        middle_of = {key: float(np.median([row[key] for row in rows])) for key in rows[0]}
        best = max(PEERS, key=lambda peer: middle_of[peer])
        low, high = interval([row["trimtab"] for row in rows])
        ratio = (1 - middle_of["trimtab"]) / (1 - middle_of[best])
        mine = middle_of["trimtab"]
        lines.append(Headline(f"{name}: score", mine, best, middle_of[best], ratio, low, high, seeds, "higher"))
    return lines, {"ratios": details, "rows": held}


if __name__ == "__main__":
    run("tabular", measure, ("--seeds", {"type": int, "default": SEEDS}))
