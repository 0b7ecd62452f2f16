"""A rate of its own for every row of weights, for an optimizer that has one for all and scales its steps by nothing: SGD.

Nothing but its neighbour is imported here: an exported schedule carries this file along.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trimtab.pilot.closures import Arguments, when_known


class Balance:
    """Divides the gradients of each row of ``weights`` by their root mean square of late, before each step of the optimizer.

    A row is what leads to one output of a matrix, one channel of a convolution, one entry of an embedding; a vector is one row.
    g ← g / √v, where v is a mean of mean(g²) over steps that forgets by ``beta``: Adam's second moment (Kingma & Ba 2015) with
    one number a row, as in Adam-mini (Zhang et al. 2024). Without it the one rate is bound by the largest gradients, and other
    weights, embeddings above all, hardly move. To be registered as a hook before the optimizer's step.

    ``state``: (2, rows), v and what it weighs so far.
    """

    def __init__(self, weights: Sequence[Tensor], *, beta: float) -> None:
        self.weights, self.beta = list(weights), beta
        self.rows = [len(weight) if weight.ndim > 1 else 1 for weight in self.weights]
        self.state = torch.zeros(2, sum(self.rows), device=self.weights[0].device)

    def __call__(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
        """Scale the gradients as soon as they are known: the hook."""
        return when_known(args, kwargs, lambda: self.scale(optimizer))

    @torch.no_grad()
    def scale(self, optimizer: Optimizer) -> None:
        """Scale the gradients in place; those that are not finite are left to whoever looks for them."""
        # a GradScaler has multiplied the gradients by it, and a fused optimizer will divide them by it
        scale = getattr(optimizer, "grad_scale", None)
        gradients = [_dense(weight) for weight in self.weights]
        squares = torch.cat([self._squares(*each) for each in zip(gradients, self.weights, self.rows, strict=True)])
        squares = squares if scale is None else squares / scale.square()
        seen = torch.isfinite(squares)
        told = torch.stack([torch.where(seen, squares, 0.0), torch.ones_like(squares)])
        self.state.add_((told - self.state) * seen, alpha=1.0 - self.beta)
        square, weight = self.state.clamp(min=1e-30)
        for gradient, factor in zip(gradients, (weight / square).sqrt().split(self.rows), strict=True):
            if gradient is not None:
                _multiply(gradient, factor.to(gradient.device))

    def _squares(self, gradient: Tensor | None, weight: Tensor, rows: int) -> Tensor:
        """Return the mean square of each row of ``gradient``, (rows,); NaN where there is none."""
        if gradient is None:
            return self.state.new_full((rows,), math.nan)
        values = gradient.coalesce().values() if gradient.is_sparse else gradient
        apart = tuple(range(1 if weight.ndim > 1 else 0, values.ndim))
        squares = torch.linalg.vector_norm(values, dim=apart, dtype=torch.float32).square() * (rows / weight.numel())
        if gradient.is_sparse:
            squares = squares.new_zeros(rows).index_copy(0, gradient.coalesce().indices()[0], squares)
        return squares.reshape(rows).to(self.state.device)

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.state.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state.copy_(state["state"])


def _dense(weight: Tensor) -> Tensor | None:
    """Return the gradient of ``weight``; a sparse one has each of its rows once from now on."""
    if weight.grad is not None and weight.grad.is_sparse:
        weight.grad = weight.grad.coalesce()
    return weight.grad


def _multiply(gradient: Tensor, factor: Tensor) -> None:
    """Multiply the rows of ``gradient`` by ``factor``, (rows,)."""
    if gradient.is_sparse:
        factor, gradient = factor[gradient.indices()[0]], gradient.values()
    gradient.mul_(factor.view(-1, *[1] * (gradient.ndim - 1)) if gradient.ndim > 1 else factor)
