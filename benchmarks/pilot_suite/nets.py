"""Nets of the suite that take vectors, pictures and pairs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

Activation = Callable[[], nn.Module]


def mlp(
    *sizes: int, activation: Activation = nn.ReLU, norm: Callable[[int], nn.Module] | None = None, dropout: float = 0.0
) -> nn.Sequential:
    """Return a plain net: ``sizes`` from inputs to outputs, ``norm(width)`` before and dropout after each activation."""
    parts: list[nn.Module] = []
    for width, following in pairwise(sizes[:-1]):
        parts.append(nn.Linear(width, following))
        parts.extend([norm(following)] if norm else [])
        parts.append(activation())
        parts.extend([nn.Dropout(dropout)] if dropout else [])
    return nn.Sequential(*parts, nn.Linear(sizes[-2], sizes[-1]))


class ResidualMLP(nn.Module):
    """Blocks of norm, widening, activation and narrowing, each added to what came in."""

    def __init__(self, inputs: int, width: int, blocks: int, outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(blocks)
        )
        self.leave = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return self.leave(x)


def batch_normed_pictures() -> nn.Sequential:
    """Return a net of three strided convolutions with batch normalisation for (n, 1, 28, 28), ten classes."""
    parts: list[nn.Module] = []
    for before, after in ((1, 8), (8, 12), (12, 16)):
        parts += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(16 * 4 * 4, 10))


def plain_pictures() -> nn.Sequential:
    """Return a net without normalisation, with pooling and dropout, for (n, 1, 28, 28), two classes."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(16 * 5 * 5, 32),
        nn.ReLU(),
        nn.Linear(32, 2),
    )


class ResidualPictures(nn.Module):
    """Residual blocks with group normalisation for (n, 3, 20, 20), three classes."""

    def __init__(self, width: int = 9) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, width, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.GroupNorm(3, width),
                nn.SiLU(),
                nn.Conv2d(width, width, 3, padding=1),
                nn.SiLU(),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(1)
        )
        self.leave = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return self.leave(x.mean(dim=(2, 3)))


class Factors(nn.Module):
    """Ratings as products of user and film vectors plus their biases. Koren, Bell & Volinsky 2009, eq. 4."""

    def __init__(self, users: int, films: int, width: int) -> None:
        super().__init__()
        self.user, self.film = nn.Embedding(users, width), nn.Embedding(films, width)
        self.user_bias, self.film_bias = nn.Embedding(users, 1), nn.Embedding(films, 1)
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.film_bias):
            nn.init.zeros_(table.weight)

    def forward(self, pairs: Tensor) -> Tensor:
        user, film = pairs[:, 0], pairs[:, 1]
        products = (self.user(user) * self.film(film)).sum(dim=1)
        return products + torch.cat([self.user_bias(user), self.film_bias(film)], dim=1).sum(dim=1)
