"""The value network of a DQN: a trunk, then one branch a head; for one learner or for an ensemble of them at once.

All weights lie in one flat vector, so that a target network is one copy, a clip one norm and Adam one call. Shapes: K members,
B observations, F features, H heads, M moves of the largest head (smaller ones are padded, ``valid`` says where), R outputs of
a head: M, or M + 1 with a dueling value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

Tensor = torch.Tensor
Weights = Mapping[str, Tensor]

_ALIGNMENT = 16  # floats: MKL's results depend on alignment, so that every copy of the vector must be laid out alike
_PRIOR_WIDTH = 32


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a network. ``branch``: width of each head's hidden layer, 0 for none; ``sequential`` heads need one.

    ``advised``: the last H·M features are values of the moves, which are added to what the network makes of all features.
    """

    features: int
    heads: tuple[int, ...]
    hidden: tuple[int, ...]
    branch: int = 0
    dueling: bool = True
    sequential: bool = False
    members: int = 1
    shared_trunk: bool = False
    randomised_prior: bool = False
    advised: bool = False

    @property
    def moves(self) -> int:
        """M, the number of moves of the largest head."""
        return max(self.heads)

    @property
    def outputs(self) -> int:
        """R, the number of outputs of a head."""
        return self.moves + int(self.dueling)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array of weights; an ensemble's lead with K, those of a shared trunk do not."""
        lead = (self.members,) if self.members > 1 else ()
        trunk_lead = () if self.shared_trunk else lead
        shapes: dict[str, tuple[int, ...]] = {}
        width = self.features
        for index, wide in enumerate(self.hidden):
            shapes |= _dense(f"trunk.{index}", trunk_lead, width, wide)
            width = wide
        if self.branch:
            shapes |= _dense("branch", lead, width, len(self.heads) * self.branch)
            shapes |= _dense("output", (*lead, len(self.heads)), self.branch, self.outputs)
        else:
            shapes |= _dense("output", lead, width, len(self.heads) * self.outputs)
        if self.sequential:
            shapes["earlier"] = (*lead, len(self.heads) * self.moves, len(self.heads) * self.branch)
        return shapes

    def prior_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the fixed random network that is added to each member."""
        if not self.randomised_prior:
            return {}
        lead = (self.members,)
        hidden = _dense("prior.hidden", lead, self.features, _PRIOR_WIDTH)
        return hidden | _dense("prior.output", lead, _PRIOR_WIDTH, len(self.heads) * self.moves)

    def valid(self) -> np.ndarray:
        """Return which of the (H, M) entries are moves and not padding."""
        return np.arange(self.moves) < np.array(self.heads)[:, None]

    def causal(self) -> np.ndarray:
        """Return (H·M, H·branch): 1 where a head's choice may be seen by a later head."""
        heads = len(self.heads)
        order = np.arange(heads)[:, None] < np.arange(heads)[None, :]
        return np.repeat(np.repeat(order, self.moves, axis=0), self.branch, axis=1).astype(np.float32)

    def combination(self) -> np.ndarray:
        """Return (H, R, M), by which dueling outputs (v, a_1 … a_M) become values v + a − mean a. Wang et al. 2016, eq. 9."""
        combine = np.zeros((len(self.heads), self.moves + 1, self.moves), dtype=np.float32)
        for head, moves in enumerate(self.heads):
            combine[head, 0, :moves] = 1.0
            combine[head, 1 : moves + 1, :moves] = np.eye(moves) - 1.0 / moves
        return combine


def _dense(name: str, lead: tuple[int, ...], inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (*lead, inputs, outputs), f"{name}.bias": (*lead, 1, outputs) if lead else (outputs,)}


def views(flat: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return the arrays of weights as views of ``flat``."""
    found: dict[str, Tensor] = {}
    offset = 0
    for name, shape in shapes.items():
        length = int(np.prod(shape))
        found[name] = flat[offset : offset + length].view(shape)
        offset += -(-length // _ALIGNMENT) * _ALIGNMENT
    return found


def flat_length(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return the length of the vector that holds ``shapes``."""
    return sum(-(-int(np.prod(shape)) // _ALIGNMENT) * _ALIGNMENT for shape in shapes.values())


def initial(shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator, *, zero_outputs: bool = False) -> Tensor:
    """Return fresh weights: uniform in ±1/√inputs, as torch's own layers; outputs 0 where only a prior shall speak."""
    flat = torch.zeros(flat_length(shapes))
    for name, view in views(flat, shapes).items():
        layer = name.rpartition(".")[0]
        if zero_outputs and layer == "output":
            continue
        inputs = shapes[f"{layer}.weight"][-2] if layer else shapes["branch.weight"][-2]
        bound = 1.0 / np.sqrt(inputs)
        view.copy_(torch.from_numpy(rng.uniform(-bound, bound, size=tuple(view.shape)).astype(np.float32)))
    return flat


def _linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if weight.dim() == 2 and x.dim() == 2:
        return torch.addmm(bias, x, weight)
    return torch.matmul(x, weight) + bias


class BatchForward:
    """Values of a batch, differentiable in the weights."""

    def __init__(self, architecture: Architecture, prior: np.ndarray, prior_weights: Weights, prior_scale: float) -> None:
        self.architecture = architecture
        self._prior = torch.from_numpy(prior.astype(np.float32)) if prior.any() else None
        self._prior_weights = prior_weights
        self._prior_scale = prior_scale
        self._causal = torch.from_numpy(architecture.causal()) if architecture.sequential else None
        self._combine: Tensor | None = None
        if architecture.dueling:
            combine = torch.from_numpy(architecture.combination())
            self._combine = combine if architecture.branch else torch.block_diag(*combine)

    def first(self, weights: Weights, x: Tensor) -> Tensor:
        """Return values of the heads that need no other's choice: all of them, or the first of sequential ones."""
        return self(weights, x, heads=1 if self.architecture.sequential else len(self.architecture.heads))

    def __call__(self, weights: Weights, x: Tensor, actions: Tensor | None = None, heads: int | None = None) -> Tensor:
        """Return values (K, B, H, M) for ``x`` (B, F), of the first ``heads`` alone where there are branches.

        Sequential heads see the earlier of ``actions`` (B, H), if given.
        """
        heads = len(self.architecture.heads) if heads is None else heads
        z = x
        for index in range(len(self.architecture.hidden)):
            z = torch.relu_(_linear(z, weights[f"trunk.{index}.weight"], weights[f"trunk.{index}.bias"]))
        q = self._branches(weights, z, actions, heads) if self.architecture.branch else self._heads(weights, z)
        if q.dim() == 3:
            q = q.unsqueeze(0)
        if self._prior is not None:
            q = q + self._prior[:heads]
        if self.architecture.advised:
            shape = (len(self.architecture.heads), self.architecture.moves)
            q = q + x[..., -shape[0] * shape[1] :].unflatten(-1, shape)[..., :heads, :]
        if self._prior_weights:
            q = q + self._prior_scale * self._randomised(x)[..., :heads, :]
        return q

    def _heads(self, weights: Weights, z: Tensor) -> Tensor:
        q = _linear(z, weights["output.weight"], weights["output.bias"])
        if self._combine is not None:
            q = torch.matmul(q, self._combine)
        return q.unflatten(-1, (len(self.architecture.heads), self.architecture.moves))

    def _branches(self, weights: Weights, z: Tensor, actions: Tensor | None, heads: int) -> Tensor:
        shape = self.architecture
        width = heads * shape.branch
        hidden = _linear(z, weights["branch.weight"][..., :width], weights["branch.bias"][..., :width])
        if self._causal is not None and actions is not None:
            chosen = torch.nn.functional.one_hot(actions, shape.moves).to(hidden.dtype).flatten(1)
            hidden = hidden + torch.matmul(chosen, weights["earlier"] * self._causal)
        hidden = torch.relu(hidden).unflatten(-1, (heads, shape.branch)).transpose(-2, -3)
        q = torch.matmul(hidden, weights["output.weight"][..., :heads, :, :]) + weights["output.bias"][..., :heads, :, :]
        if self._combine is not None:
            q = torch.matmul(q, self._combine[:heads])
        return q.transpose(-2, -3)

    def _randomised(self, x: Tensor) -> Tensor:
        hidden = torch.relu(_linear(x, self._prior_weights["prior.hidden.weight"], self._prior_weights["prior.hidden.bias"]))
        out = _linear(hidden, self._prior_weights["prior.output.weight"], self._prior_weights["prior.output.bias"])
        return out.unflatten(-1, (len(self.architecture.heads), self.architecture.moves))
