"""A rate of its own for every weight tensor, for an optimizer that has one for all and scales its steps by nothing: SGD.

Nothing of trimtab is imported here: an exported schedule carries this file along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Balance:
    """Divides the gradient of each of ``weights`` by its root mean square of late, before each step of their optimizer.

    g ← g / √v, where v is a mean of mean(g²) over steps, as in Adam (Kingma & Ba 2015) but with one number for a whole tensor,
    as in Adam-mini (Zhang et al. 2024). Without it the one rate is bound by the tensor with the largest gradients, and others,
    embeddings above all, hardly move. To be registered as a hook before the optimizer's step.

    ``beta``: β. After ``settled`` steps v is renewed at each ``every``-th only, as norms cost time. ``state``: (2, weights), v
    and what it weighs so far.
    """

    def __init__(self, weights: Sequence[Tensor], *, beta: float, settled: int, every: int) -> None:
        self.weights = list(weights)
        self.beta, self.settled, self.every = beta, settled, every
        self.state = torch.zeros(2, len(self.weights), device=self.weights[0].device)
        self.roots = torch.tensor([float(weight.numel()) ** 0.5 for weight in self.weights], device=self.state.device)
        self.steps, self.known = 0, 0

    @torch.no_grad()
    def __call__(self, optimizer: Optimizer, *_: Any) -> None:
        """Scale the gradients in place; those that are not finite are left to whoever looks for them."""
        places = [place for place, weight in enumerate(self.weights) if weight.grad is not None]
        gradients = [_dense(self.weights[place]) for place in places]
        if not gradients:
            return
        if self.steps < self.settled or self.steps % self.every == 0 or len(places) > self.known:
            self._follow(places, gradients, getattr(optimizer, "grad_scale", None))
        self.steps += 1
        square, weight = self.state.clamp(min=1e-30)
        factors = (weight / square).sqrt().unbind()
        _multiply(gradients, [factors[place].to(one.device) for place, one in zip(places, gradients, strict=True)])

    def _follow(self, places: Sequence[int], gradients: Sequence[Tensor], scale: Tensor | None) -> None:
        """Take in the gradients as they are now; ``scale``: what a GradScaler has multiplied them by, to divide again."""
        norms = torch.stack([norm.float().to(self.state.device) for norm in _norms(gradients)])
        squares = (norms / self.roots[places] / (1.0 if scale is None else scale)).square()
        seen = torch.isfinite(squares)
        told = torch.stack([torch.where(seen, squares, 0.0), seen.float()])
        step = (1.0 - self.beta) * seen
        self.state[:, places] = self.state[:, places] * (1.0 - step) + told * step
        self.known = max(self.known, len(places))

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.state.clone(), "steps": self.steps, "known": self.known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state.copy_(state["state"])
        self.steps, self.known = state["steps"], state["known"]


# torch.optim's own functions: all tensors in one kernel, where a loop would wait for as many
_multiply: Any = torch._foreach_mul_  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
_norms: Any = torch._foreach_norm  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]


def _dense(weight: Tensor) -> Tensor:
    """Return the numbers of the gradient of ``weight``, those that there are if it is sparse."""
    gradient = weight.grad
    assert gradient is not None
    if gradient.is_sparse:
        weight.grad = gradient = gradient.coalesce()
        return gradient.values()
    return gradient
