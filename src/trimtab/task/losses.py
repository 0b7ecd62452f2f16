"""Losses and metrics by name. A loss takes (output, target, label_smoothing) and returns the mean over the batch.

Plain PyTorch: an exported schedule contains the source of the loss it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Loss: TypeAlias = Callable[[Tensor, Tensor, float], Tensor]
MetricFunction: TypeAlias = Callable[[Tensor, Tensor], "Tensor | float"]


def cross_entropy(output: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of logits, shape (n, classes, …), to class indices or probabilities."""
    return functional.cross_entropy(output, target, label_smoothing=label_smoothing)


def nll(output: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the negative log-likelihood of log-probabilities, shape (n, classes, …), at class indices."""
    loss = functional.nll_loss(output, target)
    return loss if label_smoothing == 0.0 else (1.0 - label_smoothing) * loss - label_smoothing * output.mean()


def binary_cross_entropy(output: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the binary cross-entropy of logits to targets in [0, 1] with as many elements."""
    target = target.reshape(output.shape).to(output.dtype)
    return functional.binary_cross_entropy_with_logits(output, target * (1.0 - label_smoothing) + 0.5 * label_smoothing)


def mse(output: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean squared error to targets with as many elements."""
    del label_smoothing
    return functional.mse_loss(output, target.reshape(output.shape).to(output.dtype))


def l1(output: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean absolute error to targets with as many elements."""
    del label_smoothing
    return functional.l1_loss(output, target.reshape(output.shape).to(output.dtype))


def huber(output: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the Huber loss (quadratic up to 1) to targets with as many elements."""
    del label_smoothing
    return functional.huber_loss(output, target.reshape(output.shape).to(output.dtype))


@dataclass(frozen=True, slots=True)
class Metric:
    """A function whose results are averaged over the examples of a split; ``finish`` is applied to the average."""

    function: MetricFunction
    finish: Callable[[float], float] = field(default=float)


def _predicted(output: Tensor, target: Tensor) -> Tensor:
    classes = target.argmax(1) if target.is_floating_point() and target.shape == output.shape else target
    return (output.argmax(1) == classes).float()


def _predicted_binary(output: Tensor, target: Tensor) -> Tensor:
    return ((output > 0) == (target.reshape(output.shape) > 0.5)).float()


def _squared(output: Tensor, target: Tensor) -> Tensor:
    return (output - target.reshape(output.shape)).square()


def _absolute(output: Tensor, target: Tensor) -> Tensor:
    return (output - target.reshape(output.shape)).abs()


def _root(mean: float) -> float:
    return mean**0.5 if mean >= 0 else mean


_CLASSES = {"accuracy": Metric(_predicted), "error": Metric(lambda output, target: 1.0 - _predicted(output, target))}
_BINARY = {
    "accuracy": Metric(_predicted_binary),
    "error": Metric(lambda output, target: 1.0 - _predicted_binary(output, target)),
}
_NUMBERS = {"rmse": Metric(_squared, _root), "mae": Metric(_absolute)}


@dataclass(frozen=True, slots=True)
class NamedLoss:
    """A loss, what is measured beside it, whether labels can be smoothed, and whether targets are class indices."""

    function: Loss
    metrics: Mapping[str, Metric]
    smooths: bool = False
    indices: bool = False


LOSSES: Mapping[str, NamedLoss] = {
    "cross_entropy": NamedLoss(cross_entropy, _CLASSES, smooths=True, indices=True),
    "nll": NamedLoss(nll, _CLASSES, smooths=True, indices=True),
    "binary_cross_entropy": NamedLoss(binary_cross_entropy, _BINARY, smooths=True),
    "mse": NamedLoss(mse, _NUMBERS),
    "l1": NamedLoss(l1, _NUMBERS),
    "huber": NamedLoss(huber, _NUMBERS),
}


def mean_of(value: Tensor | float, device: torch.device) -> Tensor:
    """Return the mean of a metric's result, shape (), double precision where the device has it."""
    precise = torch.float32 if device.type == "mps" else torch.float64
    if isinstance(value, Tensor):
        return value.detach().to(device, precise).mean()
    return torch.tensor(float(value), dtype=precise, device=device)
