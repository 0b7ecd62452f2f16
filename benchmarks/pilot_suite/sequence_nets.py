"""Nets of the suite that take words, characters and series."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.pilot_suite.nets import mlp


class Bag(nn.Module):
    """The mean of word vectors, then a small net."""

    def __init__(self, words: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width, padding_idx=0)
        self.head = nn.Sequential(nn.Dropout(dropout), mlp(width, width, classes))

    def forward(self, x: Tensor) -> Tensor:
        count = (x != 0).sum(dim=1, keepdim=True).clamp(min=1)
        return self.head(self.table(x).sum(dim=1) / count)


class WordConvolution(nn.Module):
    """Convolutions over three widths of words, their maxima, dropout. Kim 2014."""

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width, padding_idx=0)
        self.filters = nn.ModuleList(nn.Conv1d(width, 12, size) for size in (2, 3, 4))
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(36, classes))

    def forward(self, x: Tensor) -> Tensor:
        embedded = self.table(x).transpose(1, 2)
        return self.head(torch.cat([each(embedded).relu().amax(dim=2) for each in self.filters], dim=1))


class Attention(nn.Module):
    """Pre-norm blocks of self-attention and a small net each. Vaswani et al. 2017; norms first as in Xiong et al. 2020."""

    def __init__(self, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.attend = nn.ModuleList(nn.MultiheadAttention(width, heads, batch_first=True) for _ in range(blocks))
        self.think = nn.ModuleList(mlp(width, 2 * width, width, activation=nn.GELU) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * blocks + 1))

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        for place, (attend, think) in enumerate(zip(self.attend, self.think, strict=True)):
            normed = self.norms[2 * place](x)
            x = x + attend(normed, normed, normed, key_padding_mask=padding, need_weights=False)[0]
            x = x + think(self.norms[2 * place + 1](x))
        return self.norms[-1](x)


class Questions(nn.Module):
    """A transformer over words, pooled over those that are there."""

    def __init__(self, words: int, length: int, width: int, classes: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.body = Attention(width, heads=4, blocks=1)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        padding = x == 0
        # a sentence of nothing but padding would have nothing to attend to
        padding[:, 0] = False
        out = self.body(self.table(x) + self.places, padding)
        there = (~padding).unsqueeze(2).float()
        return self.head((out * there).sum(dim=1) / there.sum(dim=1))


class Sounds(nn.Module):
    """A transformer over frames whose last channel is 0 where there is no sound."""

    def __init__(self, channels: int, length: int, width: int, classes: int) -> None:
        super().__init__()
        self.enter = nn.Linear(channels, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.body = Attention(width, heads=2, blocks=1)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        there = x[:, :, -1:]
        out = self.body(self.enter(x) + self.places, there.squeeze(2) == 0)
        return self.head((out * there).sum(dim=1) / there.sum(dim=1))


class Characters(nn.Module):
    """An LSTM that predicts the next character at every place."""

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(symbols, 16)
        self.body = nn.LSTM(16, width, batch_first=True)
        self.head = nn.Linear(width, symbols)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.table(x))[0])


class Grams(nn.Module):
    """The next word from the vectors of the last few. Bengio et al. 2003."""

    def __init__(self, words: int, context: int, width: int, hidden: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width)
        self.body = nn.Sequential(nn.Flatten(), mlp(context * width, hidden, words, activation=nn.Tanh))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.table(x))


class LastState(nn.Module):
    """The last state of a recurrent layer, then a linear one. ``cell``: ``nn.GRU`` or ``nn.LSTM``."""

    def __init__(self, cell: type[nn.GRU] | type[nn.LSTM], inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.body = cell(inputs, width, batch_first=True)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)[0][:, -1])


def outlines() -> nn.Sequential:
    """Return 1-D convolutions with batch normalisation and a mean over places, for (n, 1, 143), six classes."""
    parts: list[nn.Module] = []
    for before, after, size in ((1, 12, 8), (12, 16, 5), (16, 16, 3)):
        parts += [nn.Conv1d(before, after, size, stride=2, padding=size // 2, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 6))


def heartbeats() -> nn.Sequential:
    """Return dilated convolutions without normalisation for (n, 1, 64), eight values ahead."""
    parts: list[nn.Module] = []
    for before, after, gap in ((1, 8, 1), (8, 12, 1), (12, 12, 2)):
        parts += [nn.Conv1d(before, after, 5, stride=2, dilation=gap, padding=2 * gap), nn.Tanh()]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(12 * 8, 8))
