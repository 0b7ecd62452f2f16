"""The optimizer's own hyperparameters as a Pilot moves them: the groups keep their ratios to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trimtab.errors import PilotError

PLAIN = ("SGD", "ASGD", "Rprop")
"""Optimizers whose steps grow with the gradient; the steps of all others are scaled by its statistics."""


class Controls:
    """Learning rate and weight decay of ``optimizers``: one base value of each, and every group's ratio to it.

    ``moves_decay``: whether the weight decay is to be moved.
    """

    def __init__(self, optimizers: Sequence[Optimizer], *, moves_decay: bool) -> None:
        self.optimizers = list(optimizers)
        self._moves_decay = moves_decay
        rates = [float(group["lr"]) for group in self.groups]
        if not rates:
            raise PilotError("optimizer: expected one with param groups, got one without")
        for index, rate in enumerate(rates):
            if not math.isfinite(rate) or rate < 0:
                raise PilotError(f"optimizer: expected the lr of group {index} to be a positive number, got {rate!r}")
        if max(rates) <= 0:
            raise PilotError(
                "optimizer: expected an lr above 0 in at least one group, got 0 in all: there is no scale to start from"
            )
        self.start = rates[0] or max(rates)
        self._ratios = [rate / self.start for rate in rates]
        decays = [float(group.get("weight_decay", 0.0)) for group in self.groups]
        self.start_decay = max(decays)
        # where no group decays yet, all do alike once the policy says so
        self._decay_ratios = [decay / self.start_decay if self.start_decay else 1.0 for decay in decays]
        self._set = rates

    @property
    def groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    @property
    def parameters(self) -> list[Tensor]:
        """All weights that are trained, each once."""
        return list(
            {id(weight): weight for group in self.groups for weight in group["params"] if weight.requires_grad}.values()
        )

    @property
    def has_decay(self) -> bool:
        return self._moves_decay and any("weight_decay" in group for group in self.groups)

    @property
    def adaptive(self) -> bool:
        return type(self.optimizers[0]).__name__ not in PLAIN

    @property
    def decoupled(self) -> bool:
        group = self.groups[0]
        return type(self.optimizers[0]).__name__ == "AdamW" or bool(group.get("decoupled_weight_decay", False))

    @property
    def momentum(self) -> float:
        """Momentum μ, or the first of the betas."""
        group = self.groups[0]
        return float(group["betas"][0]) if "betas" in group else float(group.get("momentum", 0.0))

    def rates(self) -> list[float]:
        """Return the rate of each group as it is now."""
        return [float(group["lr"]) for group in self.groups]

    def hand(self) -> float:
        """Return by which factor somebody else has changed the rate since it was set here; 1 if nobody has."""
        for now, then in zip(self.rates(), self._set, strict=False):
            if then > 0 and now > 0 and not math.isclose(now, then, rel_tol=1e-6):
                return now / then
        return 1.0

    def set_rate(self, rate: float) -> None:
        """Set the rate of every group: ``rate`` times its ratio."""
        for group, ratio in zip(self.groups, self._ratios, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * ratio)
            else:
                group["lr"] = rate * ratio
        self._set = self.rates()

    def set_decay(self, decay: float) -> None:
        """Set the weight decay of every group that has one: ``decay`` times its ratio."""
        for group, ratio in zip(self.groups, self._decay_ratios, strict=True):
            if "weight_decay" in group:
                group["weight_decay"] = decay * ratio

    def first_step(self, gradients: Sequence[Tensor], rate: float) -> float:
        """Return the L2 norm that a first step from ``gradients`` has at ``rate``, decay aside."""
        if not self.adaptive:
            return rate * float(torch.linalg.vector_norm(torch.stack([part.norm() for part in gradients])))
        # at its first step an adaptive optimizer moves every weight that has a gradient by the rate, whatever the gradient
        moved = sum(int(torch.count_nonzero(part)) for part in gradients)
        group = self.groups[0]
        boost = (1.0 - group["alpha"]) ** -0.5 if "alpha" in group and "betas" not in group else 1.0
        return rate * math.sqrt(moved) * boost

    def state_dict(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "start_decay": self.start_decay,
            "ratios": self._ratios,
            "decay_ratios": self._decay_ratios,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.start, self.start_decay = state["start"], state["start_decay"]
        self._ratios, self._decay_ratios = list(state["ratios"]), list(state["decay_ratios"])
        self._set = self.rates()
