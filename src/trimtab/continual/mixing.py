"""One prediction out of several: each branch has the share that its loss of late has earned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trimtab.task.nest import leaves, map_leaves

SHARPNESS = 10.0
"""A branch with a loss of late that is 10 % above the best has 1/e of its share."""


def shares(recent: Sequence[float]) -> list[float]:
    """Return the share of each branch, which sum to one, from discounted losses; NaN is nothing known, or a divergence.

    >>> [round(share, 2) for share in shares([1.0, 1.1, float("nan")])]
    [0.73, 0.27, 0.0]
    """
    known = [loss for loss in recent if math.isfinite(loss)]
    if not known:
        return [1.0 / len(recent)] * len(recent)
    unit = max(abs(min(known)), 1e-9) / SHARPNESS
    earned = [math.exp(-(loss - min(known)) / unit) if math.isfinite(loss) else 0.0 for loss in recent]
    return [value / sum(earned) for value in earned]


def mixed(outputs: Sequence[Any], weights: Sequence[float], *, classes: bool) -> Any:
    """Return the weighted mean of ``outputs``; of ``classes``, the logarithm of the mean probabilities (axis 1)."""
    if classes:
        return mean_of([output.softmax(1) for output in outputs], weights).clamp_min(1e-12).log()
    columns = iter([mean_of(list(parts), weights) for parts in zip(*(leaves(output) for output in outputs), strict=True)])
    return map_leaves(outputs[0], lambda _: next(columns))


def mean_of(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Return Σ weight × tensor over those with a weight: what has diverged has none."""
    return torch.stack([weight * tensor for tensor, weight in zip(tensors, weights, strict=True) if weight > 0]).sum(0)
