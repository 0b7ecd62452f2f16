"""A training whose settings stand still, for the peers: a plain PyTorch loop, resumable, copyable, and charged by the step.

It knows nothing of trimtab. The settings may be exchanged between segments, as population-based training does.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from benchmarks.study_suite.problems import HORIZON, Problem, mean_loss

WARM_UP = 0.05
"""Share of a run over which "warm-up" rises to the full rate, before its cosine."""
SCHEDULES = ("constant", "cosine", "warm-up")


class Training:
    """One training of ``problem`` from the initial weights and the order of examples of ``seed``."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any], seed: int, *, horizon: int = HORIZON) -> None:
        self.problem, self.settings, self.seed, self.horizon = problem, dict(settings), seed, horizon
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = problem.build(settings)
        self.optimizer = make_optimizer(self.model, settings)
        self.done = 0
        self.order = torch.Generator().manual_seed(seed + 1)
        self._waiting = torch.empty(0, dtype=torch.long)

    def copy(self) -> Training:
        """Return a training that goes on from here by itself."""
        return copy.deepcopy(self)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Go on under other settings of optimizer, batch and dropout; the net keeps its shape, the optimizer its state."""
        self.settings |= settings
        for group in self.optimizer.param_groups:
            group["weight_decay"] = self.settings["weight_decay"]
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = self.settings["dropout"]

    def advance(self) -> float:
        """Train one segment and return the validation loss after it, +inf from a divergence on."""
        self.model.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed * 1009 + self.done)
            for share, rows in self._batches():
                self._step(rows, share)
        self.done += 1
        loss = mean_loss(self.problem, self.model, self.problem.data().validation)
        return loss if math.isfinite(loss) else math.inf

    def _step(self, rows: Tensor, share: float) -> None:
        data = self.problem.data().train
        rate = self.settings["lr"] * factor(self.settings["schedule"], (self.done + share) / self.horizon)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        self.problem.loss.function(self.model(data.x[rows]), data.y[rows]).backward()
        self.optimizer.step()

    def _batches(self) -> Iterator[tuple[float, Tensor]]:
        """Yield the rows of each batch of a segment, and the share of the segment that lies before it."""
        left, size = self.problem.segment, int(self.settings["batch_size"])
        while left > 0:
            wanted = min(size, left)
            while len(self._waiting) < wanted:
                fresh = torch.randperm(len(self.problem.data().train.x), generator=self.order)
                self._waiting = torch.cat([self._waiting, fresh])
            rows, self._waiting = self._waiting[:wanted], self._waiting[wanted:]
            yield 1 - left / self.problem.segment, rows
            left -= wanted


def make_optimizer(model: nn.Module, settings: Mapping[str, Any]) -> Optimizer:
    rate, decay = settings["lr"], settings["weight_decay"]
    match settings["optimizer"]:
        case "sgd":
            return SGD(model.parameters(), rate, momentum=0.9, weight_decay=decay)
        case "adam":
            return Adam(model.parameters(), rate, weight_decay=decay)
        case "adamw":
            return AdamW(model.parameters(), rate, weight_decay=decay)
        case "rmsprop":
            return RMSprop(model.parameters(), rate, weight_decay=decay)
        case other:
            raise ValueError(f"optimizer: {other!r}")


def factor(schedule: str, progress: float) -> float:
    """Return what the rate is multiplied by at ``progress``, from 0 to 1, of a run."""
    match schedule:
        case "constant":
            return 1.0
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        case "linear":
            return 1.0 - progress
        case "warm-up":
            rising = min(1.0, (progress + 1e-3) / WARM_UP)
            return rising if rising < 1 else 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))
        case other:
            raise ValueError(f"schedule: {other!r}")
