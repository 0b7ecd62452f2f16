"""The optimizers that a Pilot steers, as one: the groups keep their ratios to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer

from trimtab.errors import PilotError
from trimtab.pilot.balance import Balance
from trimtab.pilot.watch import uncompiled
from trimtab.policy import levers
from trimtab.policy.rules import BALANCE

PLAIN = ("SGD", "ASGD", "Rprop")
"""Optimizers whose steps grow with the gradient; the steps of all others are scaled by its statistics."""


class Optimizers:
    """Learning rate, weight decay and momentum of optimizers that train one model: one value of each, and every group's ratio.

    ``rate``, ``decay``, ``momentum``: what they had at the start. ``balance``: whether the gradients of SGD are balanced.
    """

    def __init__(self, optimizers: Sequence[Optimizer], *, balance: bool = False) -> None:
        self.each = list(optimizers)
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
        self.rate = rates[0] or max(rates)
        self._ratios = [rate / self.rate for rate in rates]
        decays = [float(group.get("weight_decay", 0.0)) for group in self.groups]
        self.decay = max(decays)
        # where no group decays yet, all do alike once the policy says so
        self._decay_ratios = [decay / self.decay if self.decay else 1.0 for decay in decays]
        self._set = rates
        self.balances = [_balanced(one) for one in self.each if balance and type(one).__name__ == "SGD"]

    @property
    def groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self.each for group in optimizer.param_groups]

    @property
    def parameters(self) -> list[Tensor]:
        """All weights that are trained, each once."""
        return list(
            {id(weight): weight for group in self.groups for weight in group["params"] if weight.requires_grad}.values()
        )

    def has(self, name: str) -> bool:
        """Whether there is a group with a ``weight_decay``, or all have a ``momentum`` or betas."""
        if name == "momentum":
            return all("betas" in group or "momentum" in group for group in self.groups)
        return any(name in group for group in self.groups)

    @property
    def adaptive(self) -> bool:
        return type(self.each[0]).__name__ not in PLAIN

    @property
    def kind(self) -> str:
        """The name in ``levers.FIRST`` of how they scale their steps."""
        return "adaptive" if self.adaptive else "balanced" if self.balances else "plain"

    @property
    def decoupled(self) -> bool:
        """Whether weight decay acts by itself and not as a part of the gradient."""
        group = self.groups[0]
        return type(self.each[0]).__name__ == "AdamW" or bool(group.get("decoupled_weight_decay", False))

    def modernise(self, *, decay: bool) -> dict[str, Any]:
        """Set what torch's defaults leave behind, and return it by its name in the groups; what a user chose stays.

        Adam's weight decay then acts by itself, as AdamW's does: as a part of the gradient it is divided by the gradient's own
        size, and decays hardly anything (Loshchilov & Hutter 2019); only where the ``decay`` is moved at all. Betas that are
        torch's become BETAS, and momentum without them Nesterov's, which stands higher rates (Sutskever et al. 2013).
        """
        wanted: dict[str, Any] = {}
        # others that have betas or such a decay were not measured
        adam = all(isinstance(one, Adam | AdamW) for one in self.each)
        if adam and decay and all("decoupled_weight_decay" in group for group in self.groups):
            wanted["decoupled_weight_decay"] = True
        if adam and all(group["betas"] == levers.TORCH_BETAS for group in self.groups):
            wanted["betas"] = levers.BETAS
        if all(group.get("nesterov") is False and group["momentum"] > 0 == group["dampening"] for group in self.groups):
            wanted["nesterov"] = True
        for group in self.groups:
            group.update(wanted)
        return wanted

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

    def set_momentum(self, momentum: float) -> None:
        """Set the momentum, or the first of the betas, of every group."""
        for group in self.groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def state_dict(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "decay": self.decay,
            "balances": [one.state_dict() for one in self.balances],
            "ratios": self._ratios,
            "decay_ratios": self._decay_ratios,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rate, self.decay = state["rate"], state["decay"]
        self._ratios, self._decay_ratios = list(state["ratios"]), list(state["decay_ratios"])
        for one, told in zip(self.balances, state["balances"], strict=True):
            one.load_state_dict(told)
        self._set = self.rates()


def _balanced(optimizer: Optimizer) -> Balance:
    """Return what balances the gradients of ``optimizer`` from now on."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]
    balance = Balance(weights, beta=BALANCE)
    optimizer.register_step_pre_hook(uncompiled(balance))
    return balance
