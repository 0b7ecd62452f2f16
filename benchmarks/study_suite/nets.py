"""Nets whose width, depth, activation and dropout are to be chosen. ``width`` is from 16 to 128, ``depth`` from 1 to 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "silu": nn.SiLU}


@dataclass(frozen=True, slots=True)
class Shape:
    """What is chosen about a net before its first step."""

    width: int
    depth: int
    activation: str
    dropout: float

    def act(self) -> nn.Module:
        return ACTIVATIONS[self.activation]()

    def even(self, share: float, multiple: int = 4) -> int:
        """Return that share of the width, as a multiple of ``multiple``: channels come in groups, attention in heads."""
        return multiple * max(1, round(self.width * share / multiple))


def dense(inputs: int, outputs: int, shape: Shape, *, layers: int | None = None) -> nn.Sequential:
    """Return ``layers`` hidden layers (default: the depth of ``shape``), each with activation and dropout."""
    parts: list[nn.Module] = []
    for _ in range(shape.depth if layers is None else layers):
        parts += [nn.Linear(inputs, shape.width), shape.act(), nn.Dropout(shape.dropout)]
        inputs = shape.width
    return nn.Sequential(*parts, nn.Linear(inputs, outputs))


def pictures(channels: int, outputs: int, shape: Shape) -> nn.Sequential:
    """Return strided, then plain convolutions with group normalisation and a mean over places."""
    width = shape.even(0.25)
    parts: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1)]
    for layer in range(shape.depth):
        stride = 2 if layer < 2 else 1
        parts += [nn.GroupNorm(4, width), shape.act(), nn.Conv2d(width, width, 3, stride=stride, padding=1)]
    parts += [nn.GroupNorm(4, width), shape.act(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(shape.dropout)]
    return nn.Sequential(*parts, nn.Linear(4 * width, outputs))


def waves(channels: int, outputs: int, shape: Shape) -> nn.Sequential:
    """Return 1-D convolutions of stride two over a series, then the maximum and the head."""
    width = shape.even(0.5)
    parts: list[nn.Module] = []
    for _ in range(shape.depth):
        parts += [nn.Conv1d(channels, width, 5, stride=2, padding=2), shape.act(), nn.Dropout(shape.dropout)]
        channels = width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(4 * width, outputs))


class Bag(nn.Module):
    """The mean of word vectors, then hidden layers."""

    def __init__(self, words: int, outputs: int, shape: Shape) -> None:
        super().__init__()
        width = shape.even(0.5)
        self.table = nn.Embedding(words, width, padding_idx=0)
        self.drop = nn.Dropout(shape.dropout)
        self.head = dense(width, outputs, shape, layers=shape.depth - 1)

    def forward(self, x: Tensor) -> Tensor:
        count = (x != 0).sum(dim=1, keepdim=True).clamp(min=1)
        return self.head(self.drop(self.table(x).sum(dim=1) / count))


class Grams(nn.Module):
    """The next word from the vectors of the last few. Bengio et al. 2003."""

    def __init__(self, words: int, context: int, shape: Shape) -> None:
        super().__init__()
        width = shape.even(0.25)
        self.table = nn.Embedding(words, width)
        self.head = dense(context * width, words, shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.table(x).flatten(1))


class TwoTowers(nn.Module):
    """A rating from the vectors of user and film: their product, what a net makes of both, and biases. He et al. 2017."""

    def __init__(self, users: int, films: int, shape: Shape) -> None:
        super().__init__()
        width = shape.even(0.25)
        self.user, self.film = nn.Embedding(users, width), nn.Embedding(films, width)
        self.user_bias, self.film_bias = nn.Embedding(users, 1), nn.Embedding(films, 1)
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.film_bias):
            nn.init.zeros_(table.weight)
        self.drop = nn.Dropout(shape.dropout)
        self.head = dense(2 * width, 1, shape, layers=shape.depth - 1)

    def forward(self, pairs: Tensor) -> Tensor:
        user, film = self.drop(self.user(pairs[:, 0])), self.drop(self.film(pairs[:, 1]))
        deep = self.head(torch.cat([user, film], dim=1)).squeeze(1)
        biases = torch.cat([self.user_bias(pairs[:, 0]), self.film_bias(pairs[:, 1])], dim=1).sum(dim=1)
        return (user * film).sum(dim=1) + deep + biases


class Recurrent(nn.Module):
    """The last state of a GRU, then hidden layers."""

    def __init__(self, inputs: int, outputs: int, shape: Shape) -> None:
        super().__init__()
        width = shape.even(0.5)
        self.body = nn.GRU(inputs, width, batch_first=True)
        self.drop = nn.Dropout(shape.dropout)
        self.head = dense(width, outputs, shape, layers=shape.depth - 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.body(x)[0][:, -1]))


class Sounds(nn.Module):
    """A transformer over frames whose last channel is 0 where there is no sound. Norms first as in Xiong et al. 2020."""

    def __init__(self, channels: int, length: int, outputs: int, shape: Shape) -> None:
        super().__init__()
        width, layers = shape.even(0.25, multiple=8), (shape.depth + 1) // 2
        self.enter = nn.Linear(channels, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.attend = nn.ModuleList(nn.MultiheadAttention(width, 2, batch_first=True) for _ in range(layers))
        self.think = nn.ModuleList(dense(width, width, shape, layers=1) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * layers + 1))
        self.drop = nn.Dropout(shape.dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, frames: Tensor) -> Tensor:
        there = frames[:, :, -1:]
        x = self.enter(frames) + self.places
        for layer, (attend, think) in enumerate(zip(self.attend, self.think, strict=True)):
            normed = self.norms[2 * layer](x)
            x = x + attend(normed, normed, normed, key_padding_mask=there.squeeze(2) == 0, need_weights=False)[0]
            x = x + think(self.norms[2 * layer + 1](x))
        pooled = (self.norms[-1](x) * there).sum(dim=1) / there.sum(dim=1)
        return self.head(self.drop(pooled))
