"""Steps of different optimizers for many nets at once: one formula whose coefficients are each net's own.

Every kind is m ← a·m + b·g, v ← c·v + d·g², w ← w·(1 − λ) − η·m/(√v·k + ε), as in ``torch.optim``: SGD with momentum, Adam
(Kingma & Ba 2015), AdamW (Loshchilov & Hutter 2019), RMSprop (Tieleman & Hinton 2012), Adagrad (Duchi et al. 2011). SGD with
Nesterov's momentum steps by a·m + g instead of m (Sutskever et al. 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("sgd", "adam", "adamw", "rmsprop", "adagrad")
"""The kinds, in the order of their numbers."""

_SGD, _ADAM, _ADAMW, _RMSPROP, _ADAGRAD = range(5)
_ALPHA = 0.99
_EPS = (1.0, 1e-8, 1e-8, 1e-8, 1e-10)


@dataclass(slots=True)
class Moments:
    """What the optimizers remember of each net: mean and square of its gradients, both (N, P), and its steps, (N,)."""

    mean: Tensor
    square: Tensor
    steps: Tensor

    @classmethod
    def zeros(cls, weights: Tensor) -> Moments:
        """Return the moments of nets that have made no step."""
        return cls(torch.zeros_like(weights), torch.zeros_like(weights), weights.new_zeros(len(weights)))

    def take(self, rows: Tensor) -> Moments:
        """Return those of the nets ``rows``."""
        return Moments(self.mean[rows], self.square[rows], self.steps[rows])


class Update:
    """The step of N optimizers of ``kinds``, (N,), numbers in KINDS.

    ``momentum``, (N,): μ of SGD, β₁ of Adam and AdamW; ``beta2``, (N,): their β₂; ``nesterov``, (N,) bool, for SGD.
    """

    def __init__(self, kinds: Tensor, momentum: Tensor, beta2: Tensor, nesterov: Tensor) -> None:
        self.kinds, self.beta2, self.nesterov = kinds, beta2, nesterov & (kinds == _SGD)
        self._any_nesterov = bool(self.nesterov.any())
        adam = (kinds == _ADAM) | (kinds == _ADAMW)
        sgd = kinds == _SGD
        self._decoupled = kinds == _ADAMW
        self._adam, self._adaptive = adam, ~sgd
        self.set(momentum)
        self._c = torch.where(adam, beta2, torch.where(kinds == _RMSPROP, _ALPHA, torch.where(sgd, 0.0, 1.0)))
        self._d = torch.where(sgd, 0.0, torch.where(kinds == _ADAGRAD, 1.0, 1.0 - self._c))
        self._eps = momentum.new_tensor(_EPS)[kinds]

    def set(self, momentum: Tensor) -> None:
        """Set the momenta, (N,); RMSprop and Adagrad have none."""
        self.momentum = momentum
        self._a = torch.where(self._adam | ~self._adaptive, momentum, 0.0)
        self._b = torch.where(self._adam, 1.0 - momentum, 1.0)

    def take(self, rows: Tensor) -> Update:
        """Return the update of the optimizers ``rows``."""
        return Update(self.kinds[rows], self.momentum[rows], self.beta2[rows], self.nesterov[rows])

    @torch.no_grad()
    def __call__(self, weights: Tensor, gradient: Tensor, moments: Moments, rate: Tensor, decay: Tensor) -> None:
        """Make one step of every net in place. ``rate``, ``decay`` (weight decay): (N,). ``gradient`` is used up."""
        moments.steps += 1
        coupled = torch.where(self._decoupled, 0.0, decay)[:, None]
        gradient.addcmul_(weights, coupled) if bool((coupled != 0).any()) else None
        moments.mean.mul_(self._a[:, None]).addcmul_(gradient, self._b[:, None])
        mean = moments.mean
        if self._any_nesterov:
            mean = torch.where(self.nesterov[:, None], torch.addcmul(gradient, mean, self._a[:, None]), mean)
        moments.square.mul_(self._c[:, None]).addcmul_(gradient.square_(), self._d[:, None])
        one = torch.ones_like(rate)
        first = torch.where(self._adam, 1.0 - self.momentum**moments.steps, one)
        second = torch.where(self._adam, 1.0 - self.beta2**moments.steps, one)
        # for SGD the root is of zero and ε is one: its denominator
        root = torch.sqrt(moments.square, out=gradient).mul_((1.0 / second.sqrt())[:, None]).add_(self._eps[:, None])
        shrink = 1.0 - torch.where(self._decoupled, rate * decay, torch.zeros_like(rate))
        weights.mul_(shrink[:, None]).sub_(torch.div(mean, root, out=gradient).mul_((rate / first)[:, None]))

    @torch.no_grad()
    def first_step(self, gradient: Tensor, rate: Tensor) -> Tensor:
        """Return the L2 norm, (N,), of the first step that each net would make from ``gradient`` (N, P).

        Decay and Nesterov's look ahead aside.
        """
        plain = gradient.norm(dim=1)
        # at its first step an adaptive optimizer moves every weight that has a gradient by the rate, whatever the gradient
        moved = (gradient != 0).sum(1).sqrt()
        boost = torch.where(self.kinds == _RMSPROP, (1.0 - _ALPHA) ** -0.5, 1.0)
        return rate * torch.where(self._adaptive, moved * boost, plain)
