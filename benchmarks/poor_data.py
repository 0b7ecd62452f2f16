"""Labels that are wrong: handwritten digits of which 0, 20 and 40 % have another label, in training and in validation.

The default with a cosine, TPE with Hyperband and a study, the last two with ten whole runs, are read on clean test labels. What
`trimtab doctor` says of the data stands beside. What was made is kept in the cache folder, by the code that made it.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

import trimtab as tt
from benchmarks.domains_suite import methods
from benchmarks.kept import Figures, kept
from benchmarks.results import Headline, Measured, interval, run
from examples import digits
from trimtab.seeds import derive
from trimtab.study.checkup import check_up

NOISE, HORIZON, RUNS, SEEDS = (0.0, 0.2, 0.4), 40, 10, 5
METHODS = {"default": methods.default, "tpe-hyperband": methods.tpe_hyperband}


def relabelled(labels: Tensor, share: float, seed: int) -> Tensor:
    """Return ``labels`` (n,) of which ``share``, drawn at random, are another of the ten digits."""
    generator = torch.Generator().manual_seed(derive(seed, "noise") % 2**63)
    wrong = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    changed = labels.clone()
    changed[wrong] = (labels[wrong] + torch.randint(1, 10, (len(wrong),), generator=generator)) % 10
    return changed


def noisy_task(seed: int, *, share: float) -> tt.TorchTask:
    """Return the digits with wrong labels everywhere but in the test split."""
    parts = zip(("train", "validation", "test"), digits.load_splits(seed), strict=True)
    splits: dict[str, Any] = {
        name: (x, y if name == "test" else relabelled(y, share, derive(seed, name)))
        for name, (x, y) in ((name, part.tensors) for name, part in parts)
    }
    return tt.TorchTask(build=digits.build_model, **splits)


def tested(method: str, share: float, seed: int, runs: int) -> Figures:
    """Return the test figures of what ``method`` picks."""
    make = partial(noisy_task, share=share)
    if method in METHODS:
        field = SimpleNamespace(make_task=make, SPACE=digits.SPACE, DEFAULT=digits.DEFAULT, HORIZON=HORIZON)
        return _kept_of(METHODS[method](field, seed, runs))
    with tempfile.TemporaryDirectory() as folder:
        budget, store = tt.Budget(segments=runs * HORIZON), Path(folder) / "study.db"
        study = tt.Study(make(seed), digits.SPACE, budget=budget, horizon=HORIZON, store=store, seed=seed)
        warned = any(finding.name == "labels" for finding in check_up(study))
        return {**_kept_of(study.run().evaluate_on_test()), "warned": float(warned)}


def _kept_of(metrics: Mapping[str, float]) -> Figures:
    return {"accuracy": metrics["accuracy"], "loss": metrics["loss"]}


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and set it side by side."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    seeds, runs = (1, 2) if arguments.quick else (arguments.seeds, RUNS)
    found = kept("poor_data", [Path(tt.__file__).parent, Path(methods.__file__), Path(digits.__file__), Path(__file__)])
    lines, details = list[Headline](), dict[str, Any]()
    for share in NOISE:
        made = {
            method: [
                found.get(f"{share}/{method}/{seed}/{runs}", partial(tested, method, share, seed, runs))
                for seed in range(seeds)
            ]
            for method in (*METHODS, "study")
        }
        lines += _figures(made, f"{share:.0%} of labels wrong", seeds)
        details[str(share)] = made
    return lines, {"figures": details}


def _figures(made: Mapping[str, list[Figures]], where: str, seeds: int) -> list[Headline]:
    middle = {method: median(row["accuracy"] for row in rows) for method, rows in made.items()}
    best = max(METHODS, key=lambda peer: middle[peer])
    low, high = interval([row["accuracy"] for row in made["study"]])
    ratio = (1 - middle["study"]) / max(1 - middle[best], 1e-9)
    warned = sum(row["warned"] for row in made["study"]) / seeds
    return [
        Headline(f"{where}: test accuracy", middle["study"], best, middle[best], ratio, low, high, seeds, "higher"),
        Headline(f"{where}: share of seeds at which the doctor warns", warned, seeds=seeds, better="higher"),
    ]


if __name__ == "__main__":
    run("poor_data", measure, ("--seeds", {"type": int, "default": SEEDS}))
