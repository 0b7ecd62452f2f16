"""Gradient steps of a DQN: targets, loss, clipping, Adam, target network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.optim.adam import adam

from trimtab.agents.coordination import COORDINATIONS, Coordination
from trimtab.agents.network import Architecture, BatchForward, initial, views
from trimtab.agents.options import DQNOptions
from trimtab.agents.replay import Batch

Tensor = torch.Tensor

_CHUNK = 4096


class Learner:
    """The weights of a DQN and of its target, and how a block of batches changes them."""

    def __init__(self, architecture: Architecture, options: DQNOptions, prior: np.ndarray, rng: np.random.Generator) -> None:
        self.architecture = architecture
        self.options = options
        self.coordination: Coordination = COORDINATIONS[options.coordination]
        shapes, prior_shapes = architecture.shapes(), architecture.prior_shapes()
        self.weights = initial(shapes, rng, zero_outputs=options.prior is not None or options.advised)
        self.target = self.weights.clone()
        self.prior_weights = initial(prior_shapes, rng)
        self._gradient = torch.zeros_like(self.weights)
        self._online = _leaves(views(self.weights, shapes), views(self._gradient, shapes))
        self._frozen = views(self.weights, shapes)
        self._target = views(self.target, shapes)
        self._forward = BatchForward(architecture, prior, views(self.prior_weights, prior_shapes), options.prior_scale)
        self._moments = [torch.zeros_like(self.weights), torch.zeros_like(self.weights), torch.zeros(())]
        valid = architecture.valid()
        self._invalid = None if valid.all() else torch.from_numpy(~valid)

    def numpy_weights(self, *, averaged: bool = False) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
        """Return the weights (``averaged``: the target's), and those of the randomised prior; the arrays share their memory."""
        prior = views(self.prior_weights, self.architecture.prior_shapes())
        weights = self._target if averaged else self._frozen
        return {name: view.numpy() for name, view in weights.items()}, {name: view.numpy() for name, view in prior.items()}

    def follow(self) -> None:
        """Move the target network towards the learner."""
        if self.options.tau == 1.0:
            self.target.copy_(self.weights)
        else:
            self.target.lerp_(self.weights, self.options.tau)

    @torch.no_grad()
    def values(self, x: Tensor, *, averaged: bool = False) -> Tensor:
        """Return the values (K, B, H, M) at ``x`` (B, F) of the heads that need no other's choice; −inf for no move."""
        return self._allowed(self._forward.first(self._target if averaged else self._frozen, x), None)

    @torch.no_grad()
    def worth(self, x: Tensor, masks: Tensor | None) -> Tensor:
        """Return what acting greedily is worth, (K, B), for ``x`` (B, F)."""
        best = self._allowed(self._forward.first(self._frozen, x), masks).amax(-1)
        return self.coordination.worth(best).mean(-1)

    def train(self, block: Batch, rate: float, shift: float, scale: float) -> None:
        """Make one gradient step for each batch of the ``block``; rewards are shifted and scaled first."""
        returns = (block.reward - shift * block.weight) / scale if shift or scale != 1.0 else block.reward
        size = self.options.batch_size
        # The target network stands still for the whole block: its values are one large product instead of many small ones.
        with torch.no_grad():
            chunks = [self._next_values(x, mask) for x, mask in _chunks(block.next_observation, block.next_mask)]
            q_target = torch.cat(chunks, dim=1) if len(chunks) > 1 else chunks[0]
        q_parts = q_target.split(size, dim=1)
        for batch, r_t, q_t in zip(block.parts(size), returns.split(size), q_parts, strict=True):
            self._step(batch, r_t, q_t)
            self._adam(rate)

    def _next_values(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return of the next observations all values by the target network, or (not double) the highest alone."""
        q_t = self._allowed(self._forward.first(self._target, x), mask)
        return q_t if self.options.double else q_t.amax(-1)

    def _step(self, batch: Batch, r_t: Tensor, q_t: Tensor) -> None:
        with torch.no_grad():
            if self.options.double:
                selector = self._allowed(self._forward.first(self._frozen, batch.next_observation), batch.next_mask)
                q_t = q_t.gather(-1, selector.argmax(-1, keepdim=True)).squeeze(-1)
            target = r_t[:, None] + batch.discount[:, None] * self.coordination.worth(q_t)
        q_tm1 = self._forward(self._online, batch.observation, batch.action)
        index = batch.action[None, :, :, None]
        taken = q_tm1.gather(-1, index if len(q_tm1) == 1 else index.expand(len(q_tm1), -1, -1, -1)).squeeze(-1)
        best = self._allowed(q_tm1, batch.mask).amax(-1) if self.coordination.sequential else taken
        loss = self._loss(self.coordination.errors(taken, best, target), batch.member)
        self._gradient.zero_()
        loss.backward()

    def _loss(self, errors: Tensor, member: Tensor | None) -> Tensor:
        """Return the Huber loss: a mean over transitions, summed over members that share nothing."""
        if member is None:
            loss = torch.nn.functional.huber_loss(errors, torch.zeros_like(errors))
        else:
            each = torch.nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none")
            loss = (each * member.T[:, :, None]).mean()
        return loss if self.architecture.shared_trunk else loss * self.architecture.members

    @torch.no_grad()
    def _adam(self, rate: float) -> None:
        """Clip the gradient and make a step of Adam: the function, since the optimizer object costs more than the step."""
        norm = torch.linalg.vector_norm(self._gradient)
        self._gradient.mul_((self.options.max_grad_norm / (norm + 1e-6)).clamp_(max=1.0))
        first, second, step = self._moments
        adam(
            [self.weights], [self._gradient], [first], [second], [], [step],
            fused=True, amsgrad=False, beta1=0.9, beta2=0.999, lr=rate, weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip

    def _allowed(self, q: Tensor, masks: Tensor | None) -> Tensor:
        heads = q.shape[-2]
        if self._invalid is not None:
            q = q.masked_fill(self._invalid[:heads], -torch.inf)
        return q if masks is None else q.masked_fill(~masks[:, :heads], -torch.inf)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything that was learned, and Adam's moments, as arrays."""
        return {name: tensor.numpy() for name, tensor in self._kept().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what ``arrays`` returned."""
        for name, tensor in self._kept().items():
            tensor.copy_(torch.from_numpy(arrays[name]))

    def _kept(self) -> dict[str, Tensor]:
        first, second, step = self._moments
        learned = {"weights": self.weights, "target": self.target, "prior_weights": self.prior_weights}
        return learned | {"adam.first": first, "adam.second": second, "adam.step": step}


def _leaves(weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights as leaves of autograd that share their memory and write their gradients into ``gradients``."""
    leaves: dict[str, Tensor] = {}
    for name, view in weights.items():
        leaf = view.detach().requires_grad_()
        leaf.grad = gradients[name]
        leaves[name] = leaf
    return leaves


def _chunks(x: Tensor, mask: Tensor | None) -> list[tuple[Tensor, Tensor | None]]:
    parts = x.split(_CHUNK)
    masks = [None] * len(parts) if mask is None else list(mask.split(_CHUNK))
    return list(zip(parts, masks, strict=True))
