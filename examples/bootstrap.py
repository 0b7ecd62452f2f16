"""Intervals of scores: what they come to on examples drawn again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Score = Callable[[Tensor, Tensor], float]


def interval(score: Score, outputs: Tensor, targets: Tensor, *, draws: int = 500, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of ``score`` over examples; draws of one class alone have none."""
    generator = torch.Generator().manual_seed(seed)
    found = list[float]()
    for _ in range(draws):
        chosen = torch.randint(len(targets), (len(targets),), generator=generator)
        if len(targets[chosen].unique(dim=0)) > 1:
            found.append(score(outputs[chosen], targets[chosen]))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)
