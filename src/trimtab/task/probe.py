"""What a training says of itself, measured at next to no cost: losses, gradient norms, weights and their displacement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

PARTS = 8
"""Losses and gradient norms of a segment are given in at most this many equal parts."""
COORDINATES = 16_384
"""The cosine between displacements is computed on at most this many weights."""


def gradient_norm(parameters: Sequence[nn.Parameter]) -> Tensor:
    """Return the L2 norm of all gradients together, shape (), without waiting for the device."""
    return get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])


def weight_norm(parameters: Sequence[Tensor]) -> float:
    """Return the L2 norm of all weights together."""
    return float(get_total_norm([parameter.detach() for parameter in parameters]))


def distance(parameters: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """Return the L2 norm of the difference between two sets of weights."""
    with torch.no_grad():
        return float(get_total_norm([one - other for one, other in zip(parameters, others, strict=True)]))


def coordinates(parameters: Sequence[Tensor]) -> Tensor:
    """Return at most COORDINATES of the weights, evenly strided over all of them, shape (n,), float32, on the CPU."""
    stride = -(-sum(parameter.numel() for parameter in parameters) // COORDINATES) or 1
    parts: list[Tensor] = []
    start = 0
    for parameter in parameters:
        parts.append(parameter.detach().reshape(-1)[start::stride])
        start = (start - parameter.numel()) % stride
    return torch.cat([part.to("cpu", torch.float32) for part in parts])


def cosine_between(displacement: Tensor | None, previous: Tensor | None) -> float:
    """Return the cosine of two displacements; NaN where one is missing, zero or not finite."""
    if displacement is None or previous is None or displacement.shape != previous.shape:
        return math.nan
    lengths = float(displacement.norm() * previous.norm())
    return float(displacement @ previous) / lengths if math.isfinite(lengths) and lengths > 0 else math.nan


class StepProbe:
    """Compares some steps of a segment with the gradients before and after them, on a sample of the weights."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self._weights_a_coordinate = -(-sum(parameter.numel() for parameter in parameters) // COORDINATES) or 1
        self._gradient: Tensor | None = None
        self._weights: Tensor | None = None
        self._move: Tensor | None = None
        self._norms: list[float] = []
        self._cosines: tuple[list[float], ...] = ([], [], [])

    def before(self, *, sampled: bool) -> None:
        """Take in the gradients before a step; ``sampled``: this step is one of those that are compared."""
        if self._move is not None:
            gradient = self._gradients()
            self._cosines[0].append(cosine_between(gradient, self._gradient))
            self._cosines[2].append(-cosine_between(gradient, self._move))
            self._move = None
        if sampled:
            self._gradient, self._weights = self._gradients(), coordinates(self._parameters)

    def after(self) -> None:
        """Take in the weights after a step that is compared."""
        if self._weights is None:
            return
        self._move = coordinates(self._parameters) - self._weights
        self._norms.append(math.sqrt(self._weights_a_coordinate) * float(self._move.norm()))
        self._cosines[1].append(-cosine_between(self._gradient, self._move))
        self._weights = None

    def figures(self) -> dict[str, float]:
        """Return the means by the names in ``Telemetry``."""
        names = ("step_norm", "gradient_cosine", "step_cosine", "after_cosine")
        return {name: _finite_mean(found) for name, found in zip(names, (self._norms, *self._cosines), strict=True)}

    def _gradients(self) -> Tensor:
        bare = torch.zeros_like
        return coordinates([bare(each) if each.grad is None else each.grad.to_dense() for each in self._parameters])


def _finite_mean(values: Sequence[float]) -> float:
    """Return the mean of those that are finite: a step that a GradScaler left out has no direction."""
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


@dataclass(slots=True)
class Recorder:
    """Collects the losses and gradient norms of a segment; waits for the device only at the end of each part."""

    part: int = -1
    losses: list[float] = field(default_factory=list[float])
    norms: list[Tensor] = field(default_factory=list[Tensor])
    steps: int = 0
    examples: int = 0
    summed: float = 0.0
    _pending: list[Tensor] = field(default_factory=list[Tensor])
    _sizes: list[int] = field(default_factory=list[int])

    def enter(self, part: int) -> bool:
        """Say that the next step belongs to ``part``; return whether it is the first of it. Ends the part before it."""
        if part == self.part:
            return False
        self.flush()
        self.part = part
        return True

    def add(self, loss: Tensor, size: int) -> None:
        """Take in the mean loss of one step over ``size`` examples."""
        self._pending.append(loss)
        self._sizes.append(size)

    def flush(self) -> None:
        """End the present part."""
        if not self._pending:
            return
        # in double precision: single precision sums would make the mean depend on the number of parts
        losses = torch.stack(self._pending).to("cpu", torch.float64)
        summed, size = float(losses @ torch.tensor(self._sizes, dtype=torch.float64)), sum(self._sizes)
        self.losses.append(summed / size)
        self.steps, self.examples, self.summed = self.steps + len(self._sizes), self.examples + size, self.summed + summed
        self._pending, self._sizes = [], []

    @property
    def finite(self) -> bool:
        """Whether every loss of the parts that have ended is finite."""
        return math.isfinite(self.summed)

    @property
    def mean(self) -> float:
        """Mean loss over all examples so far."""
        return self.summed / self.examples if self.examples else math.nan

    @property
    def gradient_norms(self) -> tuple[float, ...]:
        return tuple(torch.stack(self.norms).to("cpu", torch.float64).tolist()) if self.norms else ()
