"""A recorded schedule, followed without a policy. Plain PyTorch: an exported schedule contains the source of this class."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


class Schedule:
    """Sets the learning rate and the weight decay of ``optimizer`` as they were recorded; call ``step`` after each segment.

    ``first``: rate and decay from the start, and those after ``early_steps`` steps. ``segments``: rate and decay after each
    segment. ``back``: segment → the earlier segment (0: the start) whose weights were put back at its end. The groups keep
    their ratios. ``model`` is needed where weights were put back.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        model: nn.Module,
        *,
        first: Sequence[tuple[float, float]],
        early_steps: int,
        segments: Sequence[tuple[float, float]],
        back: Mapping[int, int],
    ) -> None:
        self.optimizer, self.model = optimizer, model
        self.first, self.early_steps, self.segments, self.back = first, early_steps, segments, back
        groups = optimizer.param_groups
        rate, decay = float(groups[0]["lr"]), max(float(group.get("weight_decay", 0.0)) for group in groups)
        self.rates = [float(group["lr"]) / rate for group in groups]
        self.decays = [float(group.get("weight_decay", 0.0)) / decay if decay else 1.0 for group in groups]
        self.segment, self.steps = 0, 0
        self.kept: dict[int, tuple[Any, Any]] = {}
        self.keep()
        self.set(*first[0])
        optimizer.register_step_post_hook(self.count)

    def set(self, rate: float, decay: float) -> None:
        """Set rate and decay of every group."""
        for group, rates, decays in zip(self.optimizer.param_groups, self.rates, self.decays, strict=True):
            group["lr"] = rate * rates
            if "weight_decay" in group:
                group["weight_decay"] = decay * decays

    def count(self, *_: Any) -> None:
        """Change rate and decay after the first few steps."""
        self.steps += 1
        if self.steps == self.early_steps and self.segment == 0 and len(self.first) > 1:
            self.set(*self.first[1])

    def keep(self) -> None:
        """Keep what a later segment goes back to."""
        if self.segment in self.back.values():
            self.kept[self.segment] = (copy.deepcopy(self.model.state_dict()), copy.deepcopy(self.optimizer.state_dict()))

    @torch.no_grad()
    def step(self) -> None:
        """End a segment."""
        self.segment += 1
        if self.segment in self.back:
            weights, state = self.kept[self.back[self.segment]]
            self.model.load_state_dict(weights)
            self.optimizer.load_state_dict(copy.deepcopy(state))
        self.keep()
        if self.segment <= len(self.segments):
            self.set(*self.segments[self.segment - 1])
