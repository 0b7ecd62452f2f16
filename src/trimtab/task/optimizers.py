"""The kinds of optimizer, how settings reach their param groups, and how one is made from another in mid-run.

Plain PyTorch: an exported schedule contains the source of these functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trimtab.errors import TaskError


@dataclass(frozen=True, slots=True)
class Kind:
    """An optimizer class, and those of its arguments that settings can name, with the values they have otherwise."""

    factory: type[Optimizer]
    arguments: Mapping[str, float]


_ADAM: dict[str, float] = {"weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}

KINDS: Mapping[str, Kind] = {
    "sgd": Kind(torch.optim.SGD, {"weight_decay": 0.0, "momentum": 0.0, "nesterov": False}),
    "adam": Kind(torch.optim.Adam, _ADAM),
    "adamw": Kind(torch.optim.AdamW, {**_ADAM, "weight_decay": 0.01}),
    "nadam": Kind(torch.optim.NAdam, _ADAM),
    "radam": Kind(torch.optim.RAdam, _ADAM),
    "adamax": Kind(torch.optim.Adamax, _ADAM),
    "adagrad": Kind(torch.optim.Adagrad, {"weight_decay": 0.0, "eps": 1e-10}),
    "rmsprop": Kind(torch.optim.RMSprop, {"weight_decay": 0.0, "momentum": 0.0, "alpha": 0.99, "eps": 1e-8}),
}


def make_optimizer(kind: str, groups: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Optimizer:
    """Return a fresh optimizer over ``groups`` (``params``, ``lr_multiplier``, ``weight_decay_multiplier``)."""
    optimizer = KINDS[kind].factory([dict(group) for group in groups])  # pyright: ignore[reportCallIssue]  # Optimizer's own __init__ also takes defaults; its subclasses' do not
    configure(optimizer, kind, settings)
    return optimizer


def configure(optimizer: Optimizer, kind: str, settings: Mapping[str, Any]) -> None:
    """Put ``settings`` into the param groups. Groups keep their own multipliers; the rate is set by ``set_rate``."""
    values = {name: settings.get(name, default) for name, default in KINDS[kind].arguments.items()}
    for group in optimizer.param_groups:
        if "momentum" in values:
            _keep_momentum(optimizer, kind, group, float(values["momentum"]))
        for name, value in values.items():
            if name == "weight_decay":
                group[name] = value * group.get("weight_decay_multiplier", 1.0)
            elif name not in ("beta1", "beta2"):
                group[name] = value
        if "beta1" in values:
            group["betas"] = (values["beta1"], values["beta2"])


def reconfigure(optimizer: Optimizer, *, before: str, after: str, settings: Mapping[str, Any]) -> Optimizer:
    """Return ``optimizer`` itself, with ``settings`` in its param groups; its kind stays."""
    del before
    configure(optimizer, after, settings)
    return optimizer


def _keep_momentum(optimizer: Optimizer, kind: str, group: Mapping[str, Any], momentum: float) -> None:
    before = float(group["momentum"])
    for parameter in group["params"]:
        state: dict[str, Any] = optimizer.state.get(parameter, {})
        if before == momentum or not state:
            continue
        buffer: Tensor | None = state.get("momentum_buffer")
        if momentum == 0.0:
            # a buffer that is not written any more would come back stale when momentum does
            state.pop("momentum_buffer", None)
        elif buffer is None and kind == "rmsprop":
            # RMSprop makes its buffer at a weight's first step only, and fails without one later
            state["momentum_buffer"] = torch.zeros_like(parameter)
        elif buffer is not None and momentum < 1.0 and before < 1.0:
            # the buffer is 1 / (1 - momentum) times the mean of recent gradients: keep the mean, or the change is a kick
            buffer.mul_((1.0 - before) / (1.0 - momentum))


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate of every group to ``rate`` times the group's own multiplier."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_multiplier", 1.0)


def kind_of(optimizer: Optimizer) -> str:
    """Return the name of ``optimizer``'s kind."""
    for name, kind in KINDS.items():
        if type(optimizer) is kind.factory:
            return name
    raise TaskError(f"optimizer: expected one of {', '.join(KINDS)}, got {type(optimizer).__name__}")
