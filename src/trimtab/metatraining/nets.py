"""Many nets of one shape at a time: the weights of all in one array, their forward and backward in one batched computation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

LossOf = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(output, target, label smoothing) of one net → loss of each example, shape (B,)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What training adds, (count,) numbers each: the ``dropout`` rate and the label ``smoothing`` of each net; None: none."""

    dropout: Tensor | None = None
    smoothing: Tensor | None = None


QUIET = Noise()


class Nets:
    """``count`` nets, each an ordinary module from ``build``, whose weights lie in ``weights``, shape (count, P).

    The gradients of the last ``backward`` lie in ``gradient``, of the same shape. Buffers are not carried: modules must keep
    no running statistics.
    """

    def __init__(self, build: Callable[[], nn.Module], *, seeds: Sequence[int], device: torch.device) -> None:
        self.count = len(seeds)
        modules = [_seeded(build, seed) for seed in seeds]
        self.module = modules[0].to(device)
        named = [dict(module.named_parameters()) for module in modules]
        self.shapes: dict[str, tuple[int, ...]] = {name: tuple(value.shape) for name, value in named[0].items()}
        flat = [torch.cat([value.detach().reshape(-1) for value in values.values()]) for values in named]
        self.weights = torch.stack(flat).to(device)
        self.gradient = torch.zeros_like(self.weights)
        self._leaves = {name: view.detach().requires_grad_() for name, view in self.views(self.weights).items()}

    def take(self, rows: Tensor) -> Nets:
        """Return the nets ``rows``, (n,), each as often as it is named there."""
        taken = copy.copy(self)
        taken.count, taken.weights, taken.gradient = len(rows), self.weights[rows], self.gradient[rows]
        leaves = {name: view.detach().requires_grad_() for name, view in taken.views(taken.weights).items()}
        vars(taken).update(_leaves=leaves)
        return taken

    @property
    def size(self) -> int:
        """Number P of weights of one net."""
        return self.weights.shape[1]

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Return ``flat`` (count, P) as arrays (count, *shape) by the names of the parameters, without a copy."""
        found: dict[str, Tensor] = {}
        begin = 0
        for name, shape in self.shapes.items():
            size = torch.Size(shape).numel()
            found[name] = flat[:, begin : begin + size].view(len(flat), *shape)
            begin += size
        return found

    def backward(self, loss_of: LossOf, inputs: Tensor, target: Tensor, weight: Tensor, noise: Noise) -> Tensor:
        """Return the loss of each net, shape (count,), and leave its gradient in ``gradient``.

        ``inputs``, ``target``: (count, B, …). ``weight``: (count, B), what each example counts for in its net's loss.
        """
        losses = self._losses(self._leaves, loss_of, inputs, target, weight, noise)
        gradients = torch.autograd.grad(losses.sum(), list(self._leaves.values()))
        torch.cat([part.reshape(self.count, -1) for part in gradients], dim=1, out=self.gradient)
        return losses.detach()

    @torch.no_grad()
    def losses(self, loss_of: LossOf, inputs: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of each net over its examples, shape (count,), without noise."""
        even = torch.full(inputs.shape[:2], 1.0 / inputs.shape[1], device=inputs.device)
        return self._losses(self.views(self.weights), loss_of, inputs, target, even, QUIET)

    def _losses(
        self,
        leaves: Mapping[str, Tensor],
        loss_of: LossOf,
        inputs: Tensor,
        target: Tensor,
        weight: Tensor,
        noise: Noise,
    ) -> Tensor:
        def one(
            parameters: dict[str, Tensor], x: Tensor, y: Tensor, share: Tensor, dropout: Tensor | None, smoothing: Tensor | None
        ) -> Tensor:
            output = functional_call(self.module, parameters, (x, dropout))
            return (loss_of(output, y, smoothing) * share).sum()

        given = (noise.dropout, noise.smoothing)
        every = (0, 0, 0, 0, *(None if part is None else 0 for part in given))
        return vmap(one, in_dims=every, randomness="different")(dict(leaves), inputs, target, weight, *given)


def _seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return build()
