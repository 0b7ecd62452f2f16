"""A recorded schedule, followed without a policy. Plain PyTorch: an exported schedule contains the source of this class."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trimtab.pilot.balance import Balance


class Schedule:
    """Sets the hyperparameters of ``optimizer`` as they were recorded; call ``step`` after each segment.

    ``first``: the settings from the start, and those after ``early_steps`` steps. ``segments``: those after each segment.
    ``back``: segment → the earlier segment (0: the start) whose weights were put back at its end. Over the first ``ramp`` steps
    the rate rises linearly. The groups keep their ratios. ``model`` is needed where weights were put back. ``knobs``: by the
    name of every setting that is not the optimizer's own, a function that sets it. ``fixed``: what is set once, in all groups.
    ``balance``: what the balance of gradients forgets by, if there is one.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        model: nn.Module,
        *,
        first: Sequence[Mapping[str, float]],
        early_steps: int,
        ramp: int,
        segments: Sequence[Mapping[str, float]],
        back: Mapping[int, int],
        knobs: Mapping[str, Callable[[float], object]] | None = None,
        fixed: Mapping[str, Any] | None = None,
        balance: float | None = None,
    ) -> None:
        self.knobs = dict(knobs or {})
        missing = set(segments[-1]) - {"lr", "weight_decay", "momentum"} - set(self.knobs)
        if missing:
            raise ValueError(f"knobs: expected a function for each of {', '.join(sorted(missing))}")
        self.optimizer, self.model = optimizer, model
        self.first, self.early_steps, self.ramp, self.segments, self.back = first, early_steps, ramp, segments, back
        groups = optimizer.param_groups
        rate, decay = float(groups[0]["lr"]), max(float(group.get("weight_decay", 0.0)) for group in groups)
        self.rates = [float(group["lr"]) / rate for group in groups]
        self.decays = [float(group.get("weight_decay", 0.0)) / decay if decay else 1.0 for group in groups]
        for group in groups:
            group.update(fixed or {})
        self.segment, self.steps = 0, 0
        self.balances: list[Balance] = []
        if balance:
            weights = [weight for group in groups for weight in group["params"] if weight.requires_grad]
            self.balances = [Balance(weights, beta=balance)]
            optimizer.register_step_pre_hook(self.balances[0])
        self.kept: dict[int, tuple[Any, Any, list[Tensor]]] = {}
        self.keep()
        self.set(first[0])
        optimizer.register_step_post_hook(self.count)

    def set(self, settings: Mapping[str, float]) -> None:
        """Set the hyperparameters of every group, and the knobs."""
        self.settings = settings
        rate = settings["lr"] * min(1.0, (self.steps + 1) / self.ramp)
        for group, rates, decays in zip(self.optimizer.param_groups, self.rates, self.decays, strict=True):
            group["lr"] = rate * rates
            if "weight_decay" in group:
                group["weight_decay"] = settings["weight_decay"] * decays
            if "momentum" in settings and "betas" in group:
                group["betas"] = (settings["momentum"], *group["betas"][1:])
            elif "momentum" in settings:
                group["momentum"] = settings["momentum"]
        for name, change in self.knobs.items():
            change(settings[name])

    def count(self, *_: Any) -> None:
        """Change the settings after the first few steps, and the rate while it rises."""
        self.steps += 1
        early = self.steps == self.early_steps and self.segment == 0 and len(self.first) > 1
        if early or self.steps < self.ramp:
            self.set(self.first[1] if early else self.settings)

    def keep(self) -> None:
        """Keep what a later segment goes back to."""
        if self.segment in self.back.values():
            weights, state = copy.deepcopy(self.model.state_dict()), copy.deepcopy(self.optimizer.state_dict())
            self.kept[self.segment] = (weights, state, [one.state.clone() for one in self.balances])

    @torch.no_grad()
    def step(self) -> None:
        """End a segment."""
        self.segment += 1
        if self.segment in self.back:
            weights, state, balances = self.kept[self.back[self.segment]]
            self.model.load_state_dict(weights)
            self.optimizer.load_state_dict(copy.deepcopy(state))
            for one, kept in zip(self.balances, balances, strict=True):
                one.state.copy_(kept)
        self.keep()
        if self.segment <= len(self.segments):
            self.set(self.segments[self.segment - 1])
