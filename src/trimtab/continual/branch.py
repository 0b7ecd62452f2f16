"""One of the learners that are carried along: a model, its optimizer, its settings, and how it has done of late."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from trimtab.continual.memory import Memory, joined_batches, taken
from trimtab.space import Float, Settings, Space
from trimtab.task.batches import Batch
from trimtab.task.evaluation import pair
from trimtab.task.nest import length

LEAST_RATE = 3e-4
SPACE = Space(
    lr=Float(LEAST_RATE, 0.03, log=True, sizes=(1.5, 3.0)),
    weight_decay=Float(1e-4, 1.0, log=True, sizes=(4.0,)),
    replay=Float(0.0, 0.8, sizes=(0.2, 0.8)),
    window=Float(0.05, 1.0, log=True, sizes=(3.0, 20.0)),
)
"""What has an agent each: rate, weight decay, the share of a batch that was seen before, and how far back that reaches."""

START = Settings(lr=2e-3, weight_decay=0.01, replay=0.8, window=1.0)
"""What a stream starts from: much that was seen is trained on again, from all that is remembered."""

CLIP = 1.0
HUNGRY, FEAST = 20, 4
"""Chunks after a start in which more steps are made than usual, and how many times more in the first of them."""

MEMORY_OF_LOSSES = 0.8
"""Share of the discounted loss that is kept from chunk to chunk."""

Losses = Callable[[Any, Any], Tensor]


@dataclass(slots=True)
class Branch:
    """``recent``: its discounted loss. ``hunger``: chunks in which it still makes more steps than usual, after a start."""

    model: nn.Module
    settings: Settings
    optimizer: torch.optim.Optimizer = field(init=False)
    recent: float = math.nan
    hunger: int = HUNGRY

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.AdamW(self.model.parameters())

    def output(self, batch: Batch) -> Any:
        """Return the model's output, in evaluation mode."""
        self.model.eval()
        with torch.no_grad():
            return self.model(*pair(batch)[0])

    def note(self, loss: float) -> None:
        """Take ``loss`` into the discounted one."""
        known = math.isfinite(self.recent)
        self.recent = MEMORY_OF_LOSSES * self.recent + (1 - MEMORY_OF_LOSSES) * loss if known else loss

    def train(
        self, chunk: Batch, memory: Memory, *, loss: Losses, steps: int, batch_size: int, generator: torch.Generator
    ) -> int:
        """Make ``steps`` steps (after a start more) on ``chunk`` mixed with what is remembered; return how many.

        Weights that do not stay finite are put back to what they were before, and it goes on at a third of the rate.
        """
        before = copy.deepcopy(self.weights())
        rate, decay, replay, window = (float(self.settings[name]) for name in SPACE)
        for group in self.optimizer.param_groups:
            group.update(lr=rate, weight_decay=decay)
        steps, self.hunger = round(steps * (1 + FEAST * self.hunger / HUNGRY)), max(0, self.hunger - 1)
        again = round(replay * batch_size) if len(memory) else 0
        fresh, total = batch_size - again, length(chunk)
        rounds = -(-steps * fresh // total)
        order = torch.cat([torch.randperm(total, generator=generator) for _ in range(rounds)])
        self.model.train()
        for step in range(steps):
            batch = taken(chunk, order[step * fresh : (step + 1) * fresh])
            if again:
                batch = joined_batches(batch, memory.draw(again, window, generator))
            if not self._step(batch, loss):
                self.load(before)
                self.settings = self.settings.replace(lr=max(LEAST_RATE, rate / 3))
                return step
        return steps

    def _step(self, batch: Batch, loss: Losses) -> bool:
        inputs, targets = pair(batch)
        self.optimizer.zero_grad()
        value = loss(self.model(*inputs), targets)
        value.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        if not (torch.isfinite(value) and torch.isfinite(norm)):
            return False
        self.optimizer.step()
        return True

    def weights(self) -> dict[str, Any]:
        """Return weights and the optimizer's state; they change as it trains."""
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}

    def state(self) -> dict[str, Any]:
        """Return a copy of all of it, as tensors and plain values."""
        told = {"settings": dict(self.settings), "recent": self.recent, "hunger": self.hunger}
        return {"weights": copy.deepcopy(self.weights()), **told}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what ``state`` was taken of."""
        self.load(state["weights"])
        self.settings, self.recent, self.hunger = Settings(state["settings"]), state["recent"], state["hunger"]

    def load(self, weights: dict[str, Any]) -> None:
        """Take over ``weights`` of another branch, or of an earlier time. They are copied."""
        self.model.load_state_dict(weights["model"])
        self.optimizer.load_state_dict(copy.deepcopy(weights["optimizer"]))
