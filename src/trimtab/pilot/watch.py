"""What a Pilot measures between two decisions: some steps, on a sample of the weights, by the hooks of the optimizer."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trimtab.pilot.closures import Arguments, when_known

COORDINATES = 4_096
"""Norms and cosines are taken over about this many weights at most, spread evenly over all."""
BLOCK = 16
"""Weights are sampled by so many neighbours: to read one from memory costs what all of them cost."""
PAIRS = 4
"""In a segment the gradients of about this many pairs of successive steps are compared."""


class Watch:
    """Counts the steps of ``optimizer`` and samples some of them: gradient, weights before and after.

    ``before()`` is called before the very first step, when its gradients are known, ``early()`` after the first
    ``early_steps``, and ``each(step)`` before each step, with its number from 0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Tensor],
        *,
        before: Callable[[], None],
        early: Callable[[], None],
        early_steps: int,
        each: Callable[[int], None],
    ) -> None:
        self._optimizer = optimizer
        self.parameters = list(parameters)
        sizes = [weight.numel() for weight in self.parameters]
        self._stride = -(-sum(sizes) // COORDINATES) or 1
        self._plan = _planned(sizes, self._stride)
        self._scale = math.sqrt(sum(sizes) / max(1, len(self._sample(self.parameters))))
        self._before, self._early, self._early_steps, self._each = before, early, early_steps, each
        self.total = 0
        self.steps = 0
        self._last_steps = 0
        self._seen = False
        self._begun: Tensor | None = None
        self._displacement: Tensor | None = None
        self._gradient: Tensor | None = None
        self._weights: Tensor | None = None
        self._norms: list[Tensor] = []
        self._move: Tensor | None = None
        self._cosines: tuple[list[Tensor], ...] = ([], [], [])
        self._moves: list[Tensor] = []
        self._handles = [
            optimizer.register_step_pre_hook(uncompiled(self._pre)),
            optimizer.register_step_post_hook(uncompiled(self._post)),
        ]

    def close(self) -> None:
        """Stop watching."""
        for handle in self._handles:
            handle.remove()

    def _pre(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:  # noqa: ARG002 (the form of a hook)
        self._seen = False
        return when_known(args, kwargs, self._see)

    def _see(self) -> None:
        """Take in the gradients of a step, once for each. Most steps are none to be measured, and cost next to nothing."""
        if self._seen:
            return
        self._seen = True
        if self.total == 0:
            self._before()
        self._each(self.total)
        sampled = self._is_sample(self.steps)
        if sampled or self._gradient is not None or self._begun is None:
            self._measure(sampled=sampled)

    @torch.no_grad()
    def _measure(self, *, sampled: bool) -> None:
        if self._begun is None:
            self._begun = self._sample(self.parameters)
        if self._gradient is None and not sampled:
            return
        gradient = self._gradients()
        gradients, _, after = self._cosines
        if self._gradient is not None and self._move is not None:
            gradients.append(_cosine(gradient, self._gradient))
            after.append(-_cosine(gradient, self._move))
        self._gradient, self._move = (gradient if sampled else None), None
        if sampled:
            self._norms.append(gradient.norm() / self._gradient_scale())
            self._weights = self._sample(self.parameters)

    def _post(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002 (the form of a hook)
        if self._weights is not None:
            self._measure_step(self._weights)
        self.steps += 1
        self.total += 1
        if self.total == self._early_steps:
            self._early()

    @torch.no_grad()
    def _measure_step(self, before: Tensor) -> None:
        self._move = self._sample(self.parameters) - before
        self._moves.append(self._move.norm())
        if self._gradient is not None:
            self._cosines[1].append(-_cosine(self._gradient, self._move))
        self._weights = None

    def _is_sample(self, step: int) -> bool:
        if self._last_steps:
            return step % max(2, self._last_steps // PAIRS) == 0
        # nobody knows yet how long a segment is: 0, 2, 6, 14, 30, …
        return (step + 2) & (step + 1) == 0

    def moving(self) -> list[tuple[Tensor, Tensor]]:
        """Return the weights that have a gradient, with it as it is now."""
        scale = self._gradient_scale()
        return [(weight.detach(), weight.grad / scale) for weight in self.parameters if weight.grad is not None]

    def weight_norm(self) -> float:
        return self._scale * float(self._sample(self.parameters).norm())

    def gradient_norm(self) -> float:
        return self._scale * float(self._gradients().norm() / self._gradient_scale())

    def _gradient_scale(self) -> Tensor | float:
        """Return what the gradients are multiplied by: a fused optimizer under a GradScaler unscales them in its own step."""
        scale: Tensor | None = getattr(self._optimizer, "grad_scale", None)
        return 1.0 if scale is None else scale

    @torch.no_grad()
    def figures(self, *, ends: bool) -> dict[str, float]:
        """Return what was measured since the segment began, as the fields of Signals; ``ends``: and begin the next."""
        weights = self._sample(self.parameters)
        displacement = weights - self._begun if self._begun is not None else torch.zeros_like(weights)
        cosine = math.nan if self._displacement is None else float(_cosine(displacement, self._displacement))
        found = {
            "steps": float(self.steps),
            "weight_norm": self._scale * float(weights.norm()),
            "step_norm": self._scale * _mean(self._moves),
            "displacement": self._scale * float(displacement.norm()),
            "cosine": cosine,
            "gradient_norm": self._scale * _mean(self._norms),
            **dict(zip(("gradient_cosine", "step_cosine", "after_cosine"), map(_mean, self._cosines), strict=True)),
        }
        if ends:
            self._displacement = displacement
            self._begin()
        return found

    def forget_displacement(self) -> None:
        """Take note that the weights were put back: the displacement before has nothing to say to the next."""
        if self._displacement is not None:
            self._displacement.zero_()

    def _begin(self) -> None:
        self._last_steps, self.steps, self._begun = self.steps, 0, None
        self._gradient, self._weights, self._move = None, None, None
        self._norms, self._cosines, self._moves = [], ([], [], []), []

    def _gradients(self) -> Tensor:
        return self._sample([weight if weight.grad is None else weight.grad for weight in self.parameters], zero=self._bare())

    def _bare(self) -> list[bool]:
        return [weight.grad is None for weight in self.parameters]

    def _sample(self, tensors: Sequence[Tensor], zero: Sequence[bool] | None = None) -> Tensor:
        """Return every stride-th block of ``tensors``, (n,), float32; zeros in place of those that ``zero`` marks."""
        parts: list[Tensor] = []
        for index, start in self._plan:
            tensor = tensors[index]
            part = (tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()).reshape(-1)
            if self._stride > 1:
                part = part[: len(part) // BLOCK * BLOCK].view(-1, BLOCK)[start :: self._stride].reshape(-1)
            part = part.to(torch.float32)
            parts.append(torch.zeros_like(part) if zero is not None and zero[index] else part)
        # a slice is a view: the numbers must be those of now
        return torch.cat(parts) if len(parts) > 1 else parts[0].clone()

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to go on; between segments, so that no sample is open."""
        return {"total": self.total, "last_steps": self._last_steps, "displacement": self._displacement}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.total, self._last_steps, self._displacement = state["total"], state["last_steps"], state["displacement"]
        self.steps, self._begun = 0, None


def _planned(sizes: Sequence[int], stride: int) -> list[tuple[int, int]]:
    """Return which of the weights of ``sizes`` are sampled, every ``stride``-th block of all, and where each begins."""
    if stride == 1:
        return [(index, 0) for index in range(len(sizes))]
    plan: list[tuple[int, int]] = []
    start = 0
    for index, blocks in enumerate(size // BLOCK for size in sizes):
        if start < blocks:
            plan.append((index, start))
        start = (start - blocks) % stride
    return plan


def uncompiled(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``hook`` kept out of a compiled ``optimizer.step``; the compiler is not imported where nobody has."""
    if "torch._dynamo" not in sys.modules:
        return hook
    disabled: Any = torch.compiler.disable(hook)
    return disabled


def _mean(values: Sequence[Tensor]) -> float:
    """Return the mean of those that are finite: under a GradScaler some gradients overflow, and their steps are not made."""
    if not values:
        return math.nan
    found = torch.stack(list(values))
    return float(found[torch.isfinite(found)].mean())


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    return (one @ other) / (one.norm() * other.norm())
