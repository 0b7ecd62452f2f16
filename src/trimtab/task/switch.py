"""Another kind of optimizer in mid-run, which keeps what its predecessor knew of the gradients.

Every optimizer here knows at most three things of a weight: the mean of recent gradients, their mean square, and over
how many steps it learned them. They are read from the old state, free of each kind's own scale, and written in the new
one's. Plain PyTorch: an exported schedule contains the source of these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trimtab.task.optimizers import configure, make_optimizer


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean gradient and mean squared gradient of one weight, each without bias (None: not known), over ``steps``."""

    mean: Tensor | None
    square: Tensor | None
    steps: int


def change_optimizer(optimizer: Optimizer, *, before: str, after: str, settings: Mapping[str, Any]) -> Optimizer:
    """Return an optimizer of kind ``after`` with ``settings``: ``optimizer`` itself where its kind stays."""
    if before != after:
        return switch_optimizer(optimizer, before=before, after=after, settings=settings)
    configure(optimizer, after, settings)
    return optimizer


def switch_optimizer(optimizer: Optimizer, *, before: str, after: str, settings: Mapping[str, Any]) -> Optimizer:
    """Return an optimizer of kind ``after`` over the param groups of ``optimizer``, which is of kind ``before``."""
    kept = ("params", "lr_multiplier", "weight_decay_multiplier")
    groups = [{name: group[name] for name in kept if name in group} for group in optimizer.param_groups]
    successor = make_optimizer(after, groups, settings)
    for old, new in zip(optimizer.param_groups, successor.param_groups, strict=True):
        for parameter in new["params"]:
            moments = read_moments(before, optimizer.state.get(parameter, {}), old)
            if moments is not None:
                successor.state[parameter] = write_moments(after, moments, new)
    return successor


def read_moments(kind: str, state: Mapping[str, Any], group: Mapping[str, Any]) -> Moments | None:
    """Return what the ``state`` of one weight knows; None if it knows nothing yet."""
    steps = int(state.get("step", 1))
    if not state or steps == 0:
        return None
    match kind:
        case "sgd":
            if state.get("momentum_buffer") is None or not 0.0 < group["momentum"] < 1.0:
                return None
            # undamped momentum sums gradients with weights 1, μ, μ², …, which add up to 1 / (1 - μ)
            return Moments(state["momentum_buffer"] * (1.0 - group["momentum"]), None, 1)
        case "rmsprop":
            # its momentum is one of scaled steps, not of gradients: it cannot be kept
            return Moments(None, state["square_avg"] / (1.0 - group["alpha"] ** steps), steps)
        case "adagrad":
            return Moments(None, state["sum"] / steps, steps)
        case "adamax":
            mean = state["exp_avg"] / (1.0 - group["betas"][0] ** steps)
            return Moments(mean, state["exp_inf"] ** 2, steps)
        case _:
            beta1, beta2 = group["betas"]
            return Moments(state["exp_avg"] / (1.0 - beta1**steps), state["exp_avg_sq"] / (1.0 - beta2**steps), steps)


def write_moments(kind: str, moments: Moments, group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of one weight for an optimizer of ``kind`` that knows ``moments``."""
    mean, square, steps = moments.mean, moments.square, moments.steps
    if square is None:
        # only a mean is known: as if the new optimizer had seen one gradient, this mean. Its step is then bounded as
        # any first step is, and the guess of the mean square is soon outvoted; zeros for it would make the step explode
        assert mean is not None
        square, steps = mean**2, 1
    if mean is None:
        # zeros for the mean make the first ten or so steps smaller, never larger
        mean = torch.zeros_like(square)
    step = torch.tensor(float(steps))
    match kind:
        case "sgd":
            known = moments.mean is not None and 0.0 < group["momentum"] < 1.0
            return {"momentum_buffer": mean / (1.0 - group["momentum"])} if known else {}
        case "rmsprop":
            momentum = {"momentum_buffer": torch.zeros_like(square)} if group["momentum"] > 0 else {}
            return {"step": step, "square_avg": square, **momentum}
        case "adagrad":
            return {"step": step, "sum": square * steps}
        case "adamax":
            return {"step": step, "exp_avg": mean * (1.0 - group["betas"][0] ** steps), "exp_inf": square.sqrt()}
        case _:
            beta1, beta2 = group["betas"]
            state = {"step": step, "exp_avg": mean * (1.0 - beta1**steps), "exp_avg_sq": square * (1.0 - beta2**steps)}
            return {**state, "mu_product": _mu_product(group, steps)} if kind == "nadam" else state


def _mu_product(group: Mapping[str, Any], steps: int) -> Tensor:
    product = 1.0
    # Dozat 2016: μ_t = β1 (1 - 0.5 · 0.96^(t ψ)); NAdam divides by one minus their product, which is soon zero
    for step in range(1, min(steps, 10_000) + 1):
        product *= group["betas"][0] * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
    return torch.tensor(product)
