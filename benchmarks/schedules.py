"""A Pilot beside schedules whose peaks were tuned: a detector by average precision, a translator by BLEU.

One training loop for all. Of a schedule with several peaks the run with the lowest validation loss counts; all are paid for by
the peer, the Pilot has one run. What the present code made is kept beside it and is not made again.
"""

from __future__ import annotations

import argparse
import importlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

import trimtab as tt
from benchmarks.domains_suite.ledger import FOLDER, version_of
from benchmarks.kept import Figures, Kept
from benchmarks.results import Headline, Measured, interval, run

PEAKS = tuple(10.0 ** (power / 4) for power in range(-16, -7))
"""Nine, from 10⁻⁴ to 10⁻²."""


class Field(Protocol):
    """What is trained: ``horizon`` segments of as many steps as ``batches`` yields losses of; gradients are cut at ``clip``."""

    metric: str
    horizon: int
    default: float
    clip: float
    plans: Mapping[str, tuple[float, ...]]

    def make(self, seed: int) -> tuple[nn.Module, torch.optim.Optimizer]: ...
    def batches(self, model: nn.Module) -> Iterator[Tensor]: ...
    def validate(self, model: nn.Module) -> float: ...
    def judge(self, model: nn.Module) -> Mapping[str, float]: ...
    @property
    def segment(self) -> int: ...


class Cells:
    """Blood cells in pictures; the default rate is 2·10⁻³."""

    metric, horizon, default, clip = "map", 10, 2e-3, math.inf
    plans: Mapping[str, tuple[float, ...]]

    def __init__(self) -> None:
        self.task, self.detector = (importlib.import_module(f"examples.cells.{name}") for name in ("task", "detector"))
        self.plans = {"cosine": (self.default,), "one cycle": (self.default, 3 * self.default, 10 * self.default)}

    def make(self, seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
        self._train, self._validation, _ = self.task.load_splits(seed)
        self._random = torch.Generator().manual_seed(seed)
        model = self.task.build_model(self.task.DEFAULT)
        return model, torch.optim.AdamW(model.parameters(), lr=self.default, weight_decay=self.task.DEFAULT["weight_decay"])

    @property
    def segment(self) -> int:
        return -(-len(self._train[0]) // self.task.DEFAULT["batch_size"])

    def batches(self, model: nn.Module) -> Iterator[Tensor]:
        pixels, answers = self._train
        for rows in torch.randperm(len(pixels)).split(self.task.DEFAULT["batch_size"]):
            seen = self.task.augment(pixels[rows], self.task.DEFAULT["augmentation"], self._random)
            yield self.detector.detection_loss(model(seen), answers[rows])

    def validate(self, model: nn.Module) -> float:
        pixels, answers = self._validation
        return float(self.detector.detection_loss(model(pixels), answers))

    def judge(self, model: nn.Module) -> Mapping[str, float]:
        pictures = importlib.import_module("examples.cells.pictures")
        return self.detector.average_precision(model, pictures.load("test"))


class Translation:
    """Captions from German to English; the default rate is 10⁻³."""

    metric, horizon, default, clip, segment = "bleu", 20, 1e-3, 1.0, 100
    plans: Mapping[str, tuple[float, ...]]

    def __init__(self) -> None:
        self.task, self.pilot, self.model = (
            importlib.import_module(f"examples.translation.{name}") for name in ("task", "pilot", "model")
        )
        self.plans = {"cosine": (self.default,), "inverse square root": PEAKS}

    def make(self, seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
        self._train, self._validation, _ = self.task.load_splits(seed)
        settings = self.task.DEFAULT
        model = self.task.build_model(settings)
        decay = settings["weight_decay"]
        return model, torch.optim.AdamW(model.parameters(), lr=self.default, weight_decay=decay, betas=(0.9, 0.98))

    def batches(self, model: nn.Module) -> Iterator[Tensor]:
        for _ in range(self.segment):
            german, before, target = self._train[torch.randint(len(self._train), (self.task.DEFAULT["batch_size"],))]
            yield self.model.token_loss(model(german, before), target)

    def validate(self, model: nn.Module) -> float:
        return self.pilot.measured(model, self._validation.tensors)

    def judge(self, model: nn.Module) -> Mapping[str, float]:
        return self.task.quality(model, "test_2016_flickr")


FIELDS: Mapping[str, Callable[[], Field]] = {"cells": Cells, "translation": Translation}


def kept_of(name: str, folder: Path = FOLDER) -> Kept:
    """Return what was made of a field, by ``plan/peak/seed/version``."""
    return Kept(folder / f"{name}-schedules.json")


def planned(name: str, optimizer: torch.optim.Optimizer, peak: float, steps: int) -> LRScheduler:
    """Return the schedule ``name``, which is stepped after every step of the optimizer."""
    for group in optimizer.param_groups:
        group["lr"] = peak
    if name == "one cycle":
        return OneCycleLR(optimizer, max_lr=peak, total_steps=steps)
    shapes = importlib.import_module("examples.translation.pilot")
    shape = {"cosine": shapes.cosine, "inverse square root": shapes.inverse_square_root}[name]
    return LambdaLR(optimizer, lambda step: shape((step + 1) / steps))


def trained(field: Field, name: str, peak: float, seed: int, horizon: int) -> Figures:
    """Train once by the Pilot or by a schedule; return test figures, the validation loss and the seconds."""
    began = time.perf_counter()
    torch.manual_seed(seed)
    model, optimizer = field.make(seed)
    pilot = tt.Pilot(optimizer, horizon=horizon) if name == "pilot" else None
    schedule = None if pilot is not None else planned(name, optimizer, peak, horizon * field.segment)
    validation = math.nan
    for _ in range(horizon):
        model.train()
        losses = list[float]()
        for loss in field.batches(model):
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), field.clip)
            optimizer.step()
            losses.append(loss.item())
            if schedule is not None:
                schedule.step()
        validation = _validated(field, model)
        if pilot is not None:
            pilot.step(train_loss=sum(losses) / len(losses), validation_loss=validation)
    # a Pilot may have gone back at its last word
    found = {"validation_loss": _validated(field, model) if pilot is not None else validation}
    return {**found, **field.judge(model.eval()), "seconds": time.perf_counter() - began}


@torch.no_grad()
def _validated(field: Field, model: nn.Module) -> float:
    return field.validate(model.eval())


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and set the Pilot beside each schedule."""
    torch.set_num_threads(1)
    names, seeds = (("cells",), 1) if arguments.quick else (arguments.only or tuple(FIELDS), arguments.seeds)
    folder = Path(tempfile.mkdtemp()) if arguments.quick else FOLDER
    lines, details = list[Headline](), dict[str, Any]()
    for name in names:
        field, kept = FIELDS[name](), kept_of(name, folder)
        horizon = 2 if arguments.quick else field.horizon
        made = {
            (plan, seed): [
                kept.get(
                    f"{plan}/{peak:.2e}/{seed}/{version_of(name, 'pilot' if plan == 'pilot' else 'default')}",
                    partial(trained, field, plan, peak, seed, horizon),
                )
                for peak in peaks
            ]
            for seed in range(seeds)
            for plan, peaks in {"pilot": (field.default,), **field.plans}.items()
        }
        lines += compared(name, field, made, seeds)
        details[name] = {f"{plan}/{seed}": runs for (plan, seed), runs in made.items()}
    return lines, {"runs": details}


def compared(name: str, field: Field, made: Mapping[tuple[str, int], list[Figures]], seeds: int) -> list[Headline]:
    """Return the Pilot's median figure beside that of each schedule at its best peak by validation loss."""
    picked = {
        plan: [min(made[plan, seed], key=lambda run: run["validation_loss"])[field.metric] for seed in range(seeds)]
        for plan in ("pilot", *field.plans)
    }
    ours, (low, high) = median(picked["pilot"]), interval(picked["pilot"])
    return [
        Headline(f"{name}: {field.metric}", ours, plan, peer, ours / peer, low, high, seeds, "higher")
        for plan, peer in ((plan, median(picked[plan])) for plan in field.plans)
    ]


if __name__ == "__main__":
    run(
        "schedules",
        measure,
        ("--only", {"nargs": "+", "choices": tuple(FIELDS), "help": "one of the fields"}),
        ("--seeds", {"type": int, "default": 5, "help": "of data, weights and batches"}),
    )
