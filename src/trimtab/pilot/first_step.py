"""How far the first step of an optimizer is going to move the weights, told before it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from trimtab.pilot.optimizers import Optimizers
from trimtab.policy.levers import USUAL_FAN


def first_step(optimizers: Optimizers, gradients: Sequence[Tensor], rate: float) -> float:
    """Return the L2 norm that a first step from ``gradients`` has at ``rate``, decay and Nesterov's look ahead aside."""
    if not optimizers.adaptive:
        return rate * math.sqrt(sum(float(part.norm()) ** 2 for part in gradients))
    # at its first step an adaptive optimizer moves every weight that has a gradient by the rate, whatever the gradient
    moved = sum(int(torch.count_nonzero(part)) for part in gradients)
    group = optimizers.groups[0]
    boost = (1.0 - group["alpha"]) ** -0.5 if "alpha" in group and "betas" not in group else 1.0
    return rate * math.sqrt(moved) * boost


def first_share(optimizers: Optimizers, moving: Sequence[tuple[Tensor, Tensor]], rate: float) -> float:
    """Return by what share of its norm a first step at ``rate`` moves a weight matrix; the geometric mean over them.

    ``moving``: weights with their gradients. NaN where none of the matrices would move.
    """
    logs: list[float] = []
    for weight, gradient in moving:
        norm = float(weight.norm()) if weight.ndim > 1 else 0.0
        share = first_step(optimizers, [gradient], rate) / norm if norm > 0 else 0.0
        if share > 0 and math.isfinite(share):
            logs.append(math.log(share))
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def fan_in(moving: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Return the number of inputs to an output: the geometric mean over the weight matrices; USUAL_FAN where there are none."""
    fans = [weight.numel() / len(weight) for weight, _ in moving if weight.ndim > 1]
    return math.exp(sum(map(math.log, fans)) / len(fans)) if fans else USUAL_FAN
