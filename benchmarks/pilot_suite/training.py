"""One run of one task by one recipe: the only training loop of the suite, the same for every method."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmarks.pilot_suite import range_test
from benchmarks.pilot_suite.recipes import Recipe
from benchmarks.pilot_suite.steering import Steering, build_optimizer, build_steering
from benchmarks.pilot_suite.task import Data, Split, Task

RECALIBRATION_BATCHES = 50


def settle() -> None:
    """Set this process up for runs: one core, and no slow arithmetic on the tiny numbers of nets that have died."""
    # numpy would warn later that such numbers are gone
    _ = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float64).smallest_subnormal
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@dataclass(frozen=True, slots=True)
class Run:
    """What one training came to. ``*_at_best``: at the segment of least validation loss, for whoever keeps checkpoints."""

    start: float
    train: tuple[float, ...]
    validation: tuple[float, ...]
    rates: tuple[float, ...]
    final_validation: float
    final_test: float
    best_validation: float
    test_at_best: float
    examples: int
    seconds: float
    diverged: bool

    @property
    def worse_than_start(self) -> bool:
        return not self.final_validation <= self.start


PilotOptions = Callable[[nn.Module], Mapping[str, Any]]
"""What a Pilot of this model is given beside its optimizer and horizon."""


def train(task: Task, recipe: Recipe, seed: int, *, pilot: PilotOptions = lambda _: {}, data: Data | None = None) -> Run:
    """Train once. The same seed means the same initial weights and the same order of examples, whatever the recipe."""
    began = time.perf_counter()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # a peer's own warnings are not the reader's business
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        run = _Running(task, recipe, seed, task.data() if data is None else data)
        return run.through(pilot, began)


class _Running:
    def __init__(self, task: Task, recipe: Recipe, seed: int, data: Data) -> None:
        self.task, self.recipe, self.data = task, recipe, data
        self.model = task.build(seed)
        self.batches = batches(len(data.train.x), task.batch_size, seed)
        self.horizon = max(1, round(task.horizon * recipe.length))
        self.examples = 0

    def through(self, pilot: PilotOptions, began: float) -> Run:
        self._find_rate()
        steps = self.horizon * self.task.segment_steps
        self.optimizer = build_optimizer(self.recipe, self.model, steps)
        steering = build_steering(self.recipe, self.optimizer, steps, self.horizon, pilot(self.model))
        start = self._measure(self.data.validation)
        steering.start(start)
        best, best_weights = math.inf, self._weights()
        curves: list[tuple[float, float, float]] = []
        for segment in range(self.horizon):
            train_loss = self._segment(steering, segment)
            validation = self._measure(self.data.validation)
            if validation < best:
                best, best_weights = validation, self._weights()
            curves.append((train_loss, validation, float(self.optimizer.param_groups[0]["lr"])))
            steering.after(train_loss, validation)
            # nothing but a Pilot comes back from there
            if not math.isfinite(train_loss + validation) and self.recipe.method != "pilot":
                break
        return self._report(start, curves, best, best_weights, began)

    def _find_rate(self) -> None:
        """Spend the first tenth of the segments on a range test if the recipe asks for one."""
        if self.recipe.method != "onecycle":
            return
        spent = max(1, round(self.horizon * range_test.SHARE))
        steps = spent * self.task.segment_steps
        optimizer = build_optimizer(self.recipe, self.model, steps)
        rate = range_test.find_rate(self.model, optimizer, lambda: self._loss(next(self.batches)), steps)
        self.recipe = replace(self.recipe, rate=rate)
        self.horizon -= spent

    def _segment(self, steering: Steering, segment: int) -> float:
        self.model.train()
        _mode(self.optimizer, "train")
        total = torch.zeros(())
        for step in range(self.task.segment_steps):
            steering.before(segment * self.task.segment_steps + step)
            loss = self._loss(next(self.batches))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return total.item() / self.task.segment_steps

    def _loss(self, rows: Tensor) -> Tensor:
        self.examples += len(rows)
        return self.task.loss.function(self.model(self.data.train.x[rows]), self.data.train.y[rows])

    def _measure(self, split: Split) -> float:
        """Return the mean loss over a split, by the weights that the method would ship."""
        _mode(self.optimizer, "eval")
        self._recalibrate()
        return mean_loss(self.task, self.model, split)

    def _recalibrate(self) -> None:
        """Renew running statistics at Schedule-Free's averaged weights, as its authors ask for."""
        normed = any(isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)) for part in self.model.modules())
        if not normed or self.recipe.method != "schedule-free":
            return
        self.model.train()
        with torch.no_grad():
            for rows in torch.randint(len(self.data.train.x), (RECALIBRATION_BATCHES, self.task.batch_size)):
                self.model(self.data.train.x[rows])

    def _weights(self) -> dict[str, Tensor]:
        return copy.deepcopy(self.model.state_dict())

    def _report(
        self, start: float, curves: list[tuple[float, float, float]], best: float, best_weights: dict[str, Tensor], began: float
    ) -> Run:
        # a Pilot may have gone back at its last word, so that the last validation is measured anew
        final = self._measure(self.data.validation)
        test = mean_loss(self.task, self.model, self.data.test)
        if final < best:
            best, best_weights = final, self._weights()
        self.model.load_state_dict(best_weights)
        at_best = mean_loss(self.task, self.model, self.data.test)
        train_losses, validations, rates = zip(*curves, strict=True)
        return Run(
            start=start,
            train=train_losses,
            validation=validations,
            rates=rates,
            final_validation=final,
            final_test=test,
            best_validation=best,
            test_at_best=at_best,
            examples=self.examples,
            seconds=time.perf_counter() - began,
            diverged=not math.isfinite(final + test),
        )


def batches(count: int, size: int, seed: int) -> Iterator[Tensor]:
    """Yield rows for ever, in a new order each time round; a last short batch is left out."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count - count % size].split(size)


def mean_loss(task: Task, model: nn.Module, split: Split) -> float:
    """Return the mean loss of a whole split in evaluation mode."""
    model.eval()
    chunk, count = task.loss.chunk, len(split.x)
    with torch.no_grad():
        parts = [
            (task.loss.function(model(x), y), len(x)) for x, y in zip(split.x.split(chunk), split.y.split(chunk), strict=True)
        ]
    return sum(loss.item() * size for loss, size in parts) / count


def _mode(optimizer: Optimizer, name: str) -> None:
    # Schedule-Free trains at one point and is measured at another
    change: Any = getattr(optimizer, name, None)
    if change is not None:
        change()
