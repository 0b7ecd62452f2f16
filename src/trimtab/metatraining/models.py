"""The kinds of models whose trainings a policy learns on: small, and written so that many can be computed at a time.

Every model is called with its input and its dropout rate (a scalar tensor; None: no dropout), and keeps no buffers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal["relu", "gelu", "tanh", "silu", "elu"]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
    "tanh": torch.tanh,
    "silu": nn.functional.silu,
    "elu": nn.functional.elu,
}
Norm = Literal["none", "layer", "batch"]


def dropped(x: Tensor, rate: Tensor | None) -> Tensor:
    """Return ``x`` with a share of ``rate`` of its entries set to zero, the others scaled up."""
    if rate is None:
        return x
    return x * (torch.rand_like(x) >= rate) / (1.0 - rate)


class Linear(nn.Linear):
    """A linear layer that takes all leading axes of its input as one: many nets at a time would copy weights for each else."""

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]  # torch's own name hides a builtin
        return torch.addmm(self.bias, x.flatten(0, -2), self.weight.T).unflatten(0, x.shape[:-1])


class Normalised(nn.Module):
    """Layer normalisation, or batch normalisation by the batch at hand, over the last axis of (B, …, width)."""

    def __init__(self, kind: Norm, width: int) -> None:
        super().__init__()
        self.kind = kind
        if kind != "none":
            self.scale = nn.Parameter(torch.ones(width))
            self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "none":
            return x
        axes = (-1,) if self.kind == "layer" else tuple(range(x.ndim - 1))
        mean = x.mean(axes, keepdim=True)
        variance = (x - mean).square().mean(axes, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + 1e-5) * self.scale + self.shift


class Block(nn.Module):
    """A hidden layer: linear, normalisation, activation, dropout; added to its input where that is possible and wished."""

    def __init__(self, inputs: int, width: int, activation: str, norm: Norm, *, residual: bool) -> None:
        super().__init__()
        self.linear = Linear(inputs, width)
        self.norm = Normalised(norm, width)
        self.activation = ACTIVATIONS[activation]
        self.residual = residual and inputs == width

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        hidden = dropped(self.activation(self.norm(self.linear(x))), rate)
        return x + hidden if self.residual else hidden


class MLP(nn.Module):
    """``depth`` hidden layers of ``width`` on the flattened input."""

    def __init__(
        self, inputs: int, outputs: int, *, width: int, depth: int, activation: str, norm: Norm = "none", residual: bool = False
    ) -> None:
        super().__init__()
        widths = [inputs, *[width] * depth]
        blocks = (Block(a, b, activation, norm, residual=residual) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(blocks)
        self.head = Linear(widths[-1], outputs)

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        x = x.flatten(1)
        for block in self.blocks:
            x = block(x, rate)
        return self.head(x)


class ConvNet(nn.Module):
    """Convolutions of 3 × 3 with stride 2 over (B, C, S, S), as products with unfolded patches; then a linear head."""

    def __init__(self, channels: int, size: int, outputs: int, *, width: int, depth: int, activation: str, norm: Norm) -> None:
        super().__init__()
        self.sizes = [size]
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for layer in range(depth):
            self.convolutions.append(Linear(9 * (channels if layer == 0 else width), width))
            self.norms.append(Normalised(norm, width))
            self.sizes.append((self.sizes[-1] + 1) // 2)
        self.activation = ACTIVATIONS[activation]
        self.head = Linear(width, outputs)

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        for convolution, norm, size in zip(self.convolutions, self.norms, self.sizes[1:], strict=True):
            patches = _patches(x)
            hidden = self.activation(norm(convolution(patches)))
            x = hidden.transpose(1, 2).unflatten(2, (size, size))
        return self.head(dropped(x.mean((2, 3)), rate))


def _patches(x: Tensor) -> Tensor:
    """Return the 3 × 3 patches at every second place of (B, C, S, S), shape (B, places, 9 C)."""
    padded = nn.functional.pad(x, (1, 1, 1, 1))
    side = (x.shape[-1] + 1) // 2
    shifted = [padded[:, :, i : i + 2 * side : 2, j : j + 2 * side : 2] for i in range(3) for j in range(3)]
    return torch.stack([part[:, :, :side, :side] for part in shifted], dim=2).flatten(1, 2).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Transformer blocks on token embeddings (B, T); an output for every place (causal), or one for their mean."""

    def __init__(
        self,
        tokens: int,
        length: int,
        outputs: int,
        *,
        width: int,
        depth: int,
        activation: str,
        causal: bool,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(tokens, width) * 0.1)
        self.places = nn.Parameter(torch.randn(length, width) * 0.1)
        self.layers = nn.ModuleList(_Layer(width, activation, causal=causal, norm_first=norm_first) for _ in range(depth))
        self.norm = Normalised("layer" if norm_first else "none", width)
        self.head = Linear(width, outputs)
        self.causal = causal

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        hidden = self.embedding[x] + self.places
        for layer in self.layers:
            hidden = layer(hidden, rate)
        hidden = self.norm(hidden)
        return self.head(hidden) if self.causal else self.head(hidden.mean(1))


class _Layer(nn.Module):
    def __init__(self, width: int, activation: str, *, causal: bool, norm_first: bool) -> None:
        super().__init__()
        self.query_key_value = Linear(width, 3 * width)
        self.out = Linear(width, width)
        self.up, self.down = Linear(width, 2 * width), Linear(2 * width, width)
        self.first, self.second = Normalised("layer", width), Normalised("layer", width)
        self.activation = ACTIVATIONS[activation]
        self.causal, self.norm_first = causal, norm_first

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        if self.norm_first:
            x = x + dropped(self._mix(self.first(x)), rate)
            return x + dropped(self.down(self.activation(self.up(self.second(x)))), rate)
        x = self.first(x + dropped(self._mix(x), rate))
        return self.second(x + dropped(self.down(self.activation(self.up(x))), rate))

    def _mix(self, x: Tensor) -> Tensor:
        query, key, value = self.query_key_value(x).chunk(3, -1)
        scores = query @ key.transpose(-1, -2) / math.sqrt(x.shape[-1])
        if self.causal:
            later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(later, -1e9)
        return self.out(scores.softmax(-1) @ value)


class BagOfEmbeddings(nn.Module):
    """The mean embedding of the tokens (B, T), then an MLP."""

    def __init__(self, tokens: int, outputs: int, *, width: int, depth: int, activation: str, norm: Norm) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(tokens, width))
        self.mlp = MLP(width, outputs, width=width, depth=depth, activation=activation, norm=norm)

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        return self.mlp(dropped(self.embedding[x].mean(1), rate), rate)


class Factorisation(nn.Module):
    """Matrix factorisation of (user, item) pairs (B, 2), with biases, and an MLP on both embeddings where ``depth`` > 0."""

    def __init__(self, users: int, items: int, *, width: int, depth: int, activation: str, spread: float) -> None:
        super().__init__()
        self.users = nn.Parameter(torch.randn(users, width) * spread)
        self.items = nn.Parameter(torch.randn(items, width) * spread)
        self.user_bias, self.item_bias = nn.Parameter(torch.zeros(users)), nn.Parameter(torch.zeros(items))
        self.mean = nn.Parameter(torch.zeros(()))
        self.mlp = MLP(2 * width, 1, width=width, depth=depth, activation=activation) if depth else None

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        user, item = self.users[x[:, 0]], self.items[x[:, 1]]
        bias = self.user_bias[x[:, 0]] + self.item_bias[x[:, 1]] + self.mean
        if self.mlp is None:
            return ((dropped(user, rate) * item).sum(-1) + bias)[:, None]
        return self.mlp(torch.cat([user, item], -1), rate) + bias[:, None]


class Recurrent(nn.Module):
    """A gated recurrent layer (Cho et al. 2014) over sequences (B, T, inputs); an output for the last place."""

    def __init__(self, inputs: int, outputs: int, *, width: int) -> None:
        super().__init__()
        self.from_input, self.from_state = Linear(inputs, 3 * width), Linear(width, 3 * width)
        self.head = Linear(width, outputs)
        self.width = width

    def forward(self, x: Tensor, rate: Tensor | None) -> Tensor:
        given = self.from_input(x)
        state = torch.zeros_like(given[:, 0, : self.width])
        for place in range(x.shape[1]):
            reset, update, fresh = given[:, place].chunk(3, -1)
            kept_reset, kept_update, kept = self.from_state(state).chunk(3, -1)
            gate = torch.sigmoid(update + kept_update)
            state = gate * state + (1.0 - gate) * torch.tanh(fresh + torch.sigmoid(reset + kept_reset) * kept)
        return self.head(dropped(state, rate))
