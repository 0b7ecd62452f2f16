"""The nets for tables: perceptrons, plain or with residual blocks, and the space in which a study looks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trimtab.space import Categorical, Float, Int, Space

ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
LARGEST_BATCH = 256


class Residual(nn.Module):
    """x + W₂ drop(f(W₁ norm(x))), as of Gorishniy et al. 2021 for tables."""

    def __init__(self, width: int, activation: type[nn.Module], dropout: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), activation(), nn.Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Squeezed(nn.Module):
    """(n, 1) → (n,): a net with one output, for targets without a dimension of their own."""

    def forward(self, x: Tensor) -> Tensor:
        return x.squeeze(1)


def build_net(settings: Mapping[str, Any], *, inputs: int, outputs: int) -> nn.Module:
    """Return a net (n, inputs) → (n, outputs), or → (n,) where there is one output."""
    width, activation = int(settings["width"]), ACTIVATIONS[str(settings["activation"])]
    dropout = float(settings["dropout"])
    layers: list[nn.Module] = [nn.Linear(inputs, width), activation(), nn.Dropout(dropout)]
    for _ in range(int(settings["depth"]) - 1):
        if settings["kind"] == "residual":
            layers.append(Residual(width, activation, dropout))
        else:
            layers += [nn.Linear(width, width), activation(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(width, outputs), *([Squeezed()] if outputs == 1 else []))


def space_for(rows: int) -> Space:
    """Return the space of nets for ``rows`` training examples."""
    return Space(
        lr=Float(1e-5, 0.3, log=True),
        weight_decay=Float(1e-6, 0.3, log=True),
        batch_size=Int(min(8, rows), max(min(8, rows) + 1, min(LARGEST_BATCH, rows)), log=True),
        dropout=Float(0.0, 0.6),
        optimizer=Categorical("adamw", "adam", "sgd", live=False),
        width=Int(16, 256, log=True, live=False),
        depth=Int(1, 4, live=False),
        activation=Categorical(*ACTIVATIONS, live=False),
        kind=Categorical("plain", "residual", live=False),
    )


@torch.no_grad()
def outputs_of(model: nn.Module, x: Tensor, *, rows: int = 4096) -> Tensor:
    """Return the outputs of ``model`` in double precision, so that a row's does not depend on those beside it."""
    model = model.eval().double()
    return torch.cat([model(part) for part in x.double().split(rows)])
