"""The learning-rate range test: raise the rate until the loss explodes, take a rate well below. Smith 2017."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

SHARE = 0.1
LOWEST, HIGHEST = 1e-6, 10.0
SMOOTHING = 0.8


def find_rate(model: nn.Module, optimizer: Optimizer, loss_of_next: Callable[[], Tensor], steps: int) -> float:
    """Return the suggested top rate; the model is left as it was. ``loss_of_next``: the loss of one more batch."""
    before = copy.deepcopy(model.state_dict())
    rates, losses = [], []
    model.train()
    for step in range(steps):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(steps - 1, 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of_next()
        rates.append(rate)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]) or losses[-1] > 4 * min(losses) + 1e-6:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.load_state_dict(before)
    return suggested(rates, losses)


def suggested(rates: Sequence[float], losses: Sequence[float]) -> float:
    """Return a tenth of the rate where the smoothed loss is least: the rule of fastai, kinder here than the steepest slope."""
    smooth, smoothed = losses[0], []
    for loss in losses:
        smooth = SMOOTHING * smooth + (1 - SMOOTHING) * (loss if math.isfinite(loss) else smooth)
        smoothed.append(smooth)
    return rates[min(range(len(smoothed)), key=smoothed.__getitem__)] / 10
