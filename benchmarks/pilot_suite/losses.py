"""The losses of the suite, each with what a constant prediction comes to: the mark that a training has to pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Function = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Loss:
    """``function(outputs, targets)`` is the mean over examples; ``constant(train, test)`` that of the best constant on train.

    ``chunk``: examples a call when a whole split is measured, where the value depends on how many there are.
    """

    function: Function
    constant: Callable[[Tensor, Tensor], float]
    chunk: int = 4096


def _entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1))


def _commonest(train: Tensor, test: Tensor) -> float:
    counts = torch.bincount(train.reshape(-1), minlength=int(test.max()) + 1).float() + 1
    return -(counts / counts.sum()).log()[test.reshape(-1)].mean().item()


def _square(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs, targets)


def _mean(train: Tensor, test: Tensor) -> float:
    return (test - train.mean(dim=0)).square().mean().item()


def _cox(risks: Tensor, targets: Tensor) -> Tensor:
    """Return the negative log partial likelihood a death, over the people of the batch. Cox 1972; ties as Breslow."""
    years, died = targets[:, 0], targets[:, 1]
    order = torch.argsort(years, descending=True)
    ordered = risks.reshape(-1)[order]
    at_risk = torch.logcumsumexp(ordered, dim=0)
    return ((at_risk - ordered) * died[order]).sum() / died.sum().clamp(min=1)


def _equal_risks(_: Tensor, test: Tensor) -> float:
    parts = [_cox(torch.zeros(len(part)), part) for part in test.split(SURVIVORS)]
    return torch.stack(parts).mean().item()


SURVIVORS = 128
CROSS_ENTROPY = Loss(_entropy, _commonest)
SQUARED_ERROR = Loss(_square, _mean)
COX = Loss(_cox, _equal_risks, chunk=SURVIVORS)
