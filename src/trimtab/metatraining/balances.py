"""``pilot.balance`` for many nets at a time: the gradient of every weight tensor by its root mean square of late."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from trimtab.policy.rules import BALANCING


class Balances:
    """Scales gradients (N, P) of nets whose tensors have ``sizes``; of the nets ``rows``, (N,) bool, alone.

    ``state``, (N, 2, T): mean squares and what they weigh so far.
    """

    def __init__(self, sizes: Sequence[int], rows: Tensor) -> None:
        self.rows = rows
        self._any = bool(rows.any())
        counts = torch.tensor(sizes, device=rows.device)
        self._tensor = torch.repeat_interleave(torch.arange(len(sizes), device=rows.device), counts)
        self._share = torch.nn.functional.one_hot(self._tensor, len(sizes)).float() / counts
        self.state = torch.zeros(len(rows), 2, len(sizes), device=rows.device)

    def take(self, index: Tensor) -> Balances:
        """Return those of the nets ``index``."""
        taken = copy.copy(self)
        taken.rows, taken.state = self.rows[index], self.state[index]
        return taken

    def first(self, gradient: Tensor) -> None:
        """Scale ``gradient`` as before the first step, and remember nothing of it."""
        if self._any:
            self._scale(gradient, gradient.square() @ self._share)

    def __call__(self, gradient: Tensor, step: int) -> None:
        """Scale ``gradient`` in place before ``step`` (from 0)."""
        if not self._any:
            return
        if step < BALANCING["settled"] or step % BALANCING["every"] == 0:
            square = gradient.square() @ self._share
            seen = torch.isfinite(square)
            told = torch.stack([torch.where(seen, square, 0.0), seen.float()], 1)
            self.state = self.state + (1.0 - BALANCING["beta"]) * seen[:, None] * (told - self.state)
        square, weight = self.state.clamp(min=1e-30).unbind(1)
        self._scale(gradient, square / weight)

    def _scale(self, gradient: Tensor, square: Tensor) -> None:
        factor = torch.where(self.rows[:, None], square.clamp(min=1e-30).rsqrt(), 1.0)
        gradient.mul_(factor[:, self._tensor])
