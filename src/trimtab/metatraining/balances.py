"""``pilot.balance`` for many nets at a time: the gradients of every row of weights by their root mean square of late."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from trimtab.metatraining.nets import Nets
from trimtab.policy.rules import BALANCE


class Balances:
    """Scales the gradients of ``nets``, (N, P); of the nets ``who``, (N,) bool, alone.

    ``state``, (N, 2, rows): mean squares and what they weigh so far.
    """

    def __init__(self, nets: Nets, who: Tensor) -> None:
        self.who = who
        self._any = bool(who.any())
        self._shapes = nets.shapes
        rows = [_rows(shape) for shape in nets.shapes.values()]
        sizes = [torch.Size(shape).numel() // count for shape, count in zip(nets.shapes.values(), rows, strict=True)]
        each = torch.tensor([size for size, count in zip(sizes, rows, strict=True) for _ in range(count)], device=who.device)
        self._row = torch.repeat_interleave(torch.arange(sum(rows), device=who.device), each)
        self.state = torch.zeros(len(who), 2, sum(rows), device=who.device)

    def take(self, index: Tensor) -> Balances:
        """Return those of the nets ``index``."""
        taken = copy.copy(self)
        taken.who, taken.state = self.who[index], self.state[index]
        return taken

    def first(self, nets: Nets) -> None:
        """Scale the gradient as before the first step, and remember nothing of it."""
        if self._any:
            self._scale(nets, self._squares(nets))

    def __call__(self, nets: Nets) -> None:
        """Scale the gradient in place before a step."""
        if not self._any:
            return
        square = self._squares(nets)
        seen = torch.isfinite(square)
        told = torch.stack([torch.where(seen, square, 0.0), torch.ones_like(square)], 1)
        self.state = self.state + (told - self.state) * seen[:, None] * (1.0 - BALANCE)
        square, weight = self.state.clamp(min=1e-30).unbind(1)
        self._scale(nets, square / weight)

    def _squares(self, nets: Nets) -> Tensor:
        """Return the mean square of the gradient of each row, (N, rows)."""
        views = zip(nets.views(nets.gradient).values(), self._shapes.values(), strict=True)
        return torch.cat([view.reshape(len(view), _rows(shape), -1).square().mean(2) for view, shape in views], 1)

    def _scale(self, nets: Nets, square: Tensor) -> None:
        factor = torch.where(self.who[:, None], square.clamp(min=1e-30).rsqrt(), 1.0)
        nets.gradient.mul_(factor[:, self._row])


def _rows(shape: tuple[int, ...]) -> int:
    return shape[0] if len(shape) > 1 else 1
