"""The values of one observation in plain NumPy: a decision must not cost what a tensor library's call does.

Reads the weights in place; what is folded (dueling outputs, prior values) is folded anew by ``refresh`` after training.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trimtab.agents.network import Architecture


class ActingForward:
    """Values of the heads of one observation, one head after the other: ``start``, then ``values`` and ``choose`` a head."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, np.ndarray],
        prior: np.ndarray,
        prior_weights: Mapping[str, np.ndarray],
        prior_scale: float,
    ) -> None:
        self.architecture = architecture
        self._weights = weights
        self._prior = prior.astype(np.float32)
        self._prior_weights = prior_weights
        self._prior_scale = prior_scale
        self._trunk = [(weights[f"trunk.{i}.weight"], weights[f"trunk.{i}.bias"]) for i in range(len(architecture.hidden))]
        self._lead = (architecture.members, 1) if architecture.members > 1 else ()
        self._combine = architecture.combination() if architecture.dueling else None
        self._hidden = np.empty(0)
        self._values = np.empty(0)
        self._added: np.ndarray | None = None
        self.refresh()

    def refresh(self) -> None:
        """Take over weights that were trained."""
        shape = self.architecture
        weight, bias = self._weights["output.weight"], self._weights["output.bias"]
        heads, moves = len(shape.heads), shape.moves
        if not shape.branch:  # (…, D, H·R) seen as (…, H, D, R), to be treated as with branches
            weight = np.moveaxis(weight.reshape(*weight.shape[:-1], heads, shape.outputs), -2, -3)
            bias = (
                np.moveaxis(bias.reshape(*self._lead, heads, shape.outputs), -2, -3)
                if self._lead
                else bias.reshape(heads, 1, shape.outputs)
            )
        if self._combine is not None:
            weight, bias = weight @ self._combine, bias @ self._combine
        bias = bias + self._prior[:, None, :]
        if shape.branch:
            self._output = (weight, bias)
        else:
            flat = np.moveaxis(weight, -3, -2)
            self._output = (
                np.ascontiguousarray(flat.reshape(*flat.shape[:-2], heads * moves)),
                np.moveaxis(bias, -3, -2).reshape(*self._lead, heads * moves) if self._lead else bias.reshape(heads * moves),
            )
        if shape.sequential:
            earlier = self._weights["earlier"] * shape.causal()
            self._earlier = np.ascontiguousarray(np.moveaxis(earlier, -2, 0)).reshape(heads * moves, *self._lead, -1)

    def start(self, observation: np.ndarray) -> None:
        """Take in an observation, shape (F,)."""
        shape = self.architecture
        z = observation[None] if self._lead and not shape.shared_trunk else observation
        for weight, bias in self._trunk:
            z = z @ weight
            z += bias
            np.maximum(z, 0.0, out=z)
        if self._lead and shape.shared_trunk:
            z = z[None]
        if shape.branch:
            hidden = z @ self._weights["branch.weight"]
            hidden += self._weights["branch.bias"]
            self._hidden = hidden.reshape(*self._lead, -1)
        else:
            weight, bias = self._output
            self._values = (z @ weight + bias).reshape(shape.members, len(shape.heads), shape.moves)
        self._added = self._prior_values(observation) if self._prior_weights else None
        if shape.advised:
            advice = observation[-len(shape.heads) * shape.moves :].reshape(1, len(shape.heads), shape.moves)
            self._added = advice if self._added is None else self._added + advice

    def _prior_values(self, observation: np.ndarray) -> np.ndarray:
        weights = self._prior_weights
        hidden = np.maximum(observation[None] @ weights["prior.hidden.weight"] + weights["prior.hidden.bias"], 0.0)
        out = hidden @ weights["prior.output.weight"] + weights["prior.output.bias"]
        return self._prior_scale * out.reshape(self.architecture.members, len(self.architecture.heads), self.architecture.moves)

    def values(self, head: int) -> np.ndarray:
        """Return the values of ``head`` by each member, shape (K, moves of the head); not to be written to."""
        shape = self.architecture
        moves = shape.heads[head]
        if shape.branch:
            weight, bias = self._output
            hidden = np.maximum(self._hidden[..., head * shape.branch : (head + 1) * shape.branch], 0.0)
            q = (hidden @ weight[..., head, :, :] + bias[..., head, :, :]).reshape(shape.members, shape.moves)[:, :moves]
        else:
            q = self._values[:, head, :moves]
        return q if self._added is None else q + self._added[:, head, :moves]

    def table(self) -> np.ndarray:
        """Return the values of all heads, shape (K, H, M), padded; of heads without branches, which see no other."""
        return self._values if self._added is None else self._values + self._added

    def choose(self, head: int, move: int) -> None:
        """Tell later heads of the move that ``head`` makes."""
        if self.architecture.sequential:
            self._hidden += self._earlier[head * self.architecture.moves + move]
