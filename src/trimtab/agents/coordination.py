"""How the heads of a factored agent share one reward.

Shapes: K members, B observations, H heads, M moves. ``best`` holds the highest value of each head, ``taken`` the value of the
move that was made, both (K, B, H); of one observation the worth is asked for without B, in either library's arrays.

- Independent: every head learns the whole return as if it were alone. The known-weak variant (Claus & Boutilier 1998).
- Value decomposition: the sum of the heads' values learns the return (VDN, Sunehag et al. 2018).
- Sequential: a head sees the moves chosen before it (as in Metz et al. 2017 and, for configuration, CANDID-DAC, Bordne et al.
  2024). The first head's value is that of the best that the others can make of its move; every later head says how much worse
  than its best a move is: Q(s, a) = q_1(s, a_1) + Σ_{h>1} [q_h(s, a_{≤h}) − max_b q_h(s, a_{<h}, b)]. So the maximum over all
  joint moves is that of the first head, by construction, and the whole meets the target at once: bootstrapping from head to
  head instead would add a maximum over noise for each head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

Tensor = torch.Tensor
Values = TypeVar("Values", Tensor, np.ndarray)


class Coordination(Protocol):
    """A way to divide one reward. ``sequential``: a head's values depend on the moves chosen before it."""

    @property
    def sequential(self) -> bool: ...

    def worth(self, best: Values) -> Values:
        """Return what acting greedily is worth, (…, H) for each head or (…, 1) for all of them."""
        ...

    def errors(self, taken: Tensor, best: Tensor, target: Tensor) -> Tensor:
        """Return prediction − target, (K, B, H) or (K, B, 1), of a target that is shaped like ``worth``."""
        ...


@dataclass(frozen=True, slots=True)
class Independent:
    sequential: bool = False

    def worth(self, best: Values) -> Values:
        return best

    def errors(self, taken: Tensor, best: Tensor, target: Tensor) -> Tensor:  # noqa: ARG002 (protocol)
        return taken - target


@dataclass(frozen=True, slots=True)
class ValueDecomposition:
    sequential: bool = False

    def worth(self, best: Values) -> Values:
        total: Any = best.sum(-1)
        return total[..., None]

    def errors(self, taken: Tensor, best: Tensor, target: Tensor) -> Tensor:  # noqa: ARG002 (protocol)
        return taken.sum(-1, keepdim=True) - target


@dataclass(frozen=True, slots=True)
class Sequential:
    sequential: bool = True

    def worth(self, best: Values) -> Values:
        return best[..., :1]

    def errors(self, taken: Tensor, best: Tensor, target: Tensor) -> Tensor:
        return taken.sum(-1, keepdim=True) - best[..., 1:].sum(-1, keepdim=True) - target


COORDINATIONS: dict[str, Coordination] = {
    "independent": Independent(),
    "value-decomposition": ValueDecomposition(),
    "sequential": Sequential(),
}
