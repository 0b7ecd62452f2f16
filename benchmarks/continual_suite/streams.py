"""Six streams in chunks, as they arrive: prices, weather, a stream of river, digits that change, ratings in time order."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.pilot_suite.images import mnist
from benchmarks.pilot_suite.sources import package
from trimtab.datasets import fetch

Chunk = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Stream:
    """``read(seed)``: its chunks. ``build``: a net for it. ``classes``: 0 for numbers, whose error is their RMSE."""

    name: str
    read: Callable[[int], Sequence[Chunk]]
    build: Callable[[], nn.Module]
    classes: int

    @property
    def loss(self) -> str:
        return "cross_entropy" if self.classes else "mse"


def perceptron(inputs: int, outputs: int, width: int = 64) -> nn.Module:
    """Return a perceptron that keeps to the scale of its inputs as they arrive."""
    scaled = nn.BatchNorm1d(inputs, momentum=0.05, affine=False)
    layers = [nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)]
    return nn.Sequential(scaled, *layers)


class Factors(nn.Module):
    """Ratings by biases and factors of users and films. Koren et al. 2009."""

    def __init__(self, users: int = 944, films: int = 1683, width: int = 16) -> None:
        super().__init__()
        self.users, self.films = nn.Embedding(users, width + 1), nn.Embedding(films, width + 1)
        self.level = nn.Parameter(torch.tensor(3.5))
        for table in (self.users, self.films):
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, pairs: Tensor) -> Tensor:
        user, film = self.users(pairs[:, 0]), self.films(pairs[:, 1])
        return self.level + user[:, 0] + film[:, 0] + (user[:, 1:] * film[:, 1:]).sum(1)


def chunked(x: np.ndarray, y: np.ndarray, size: int) -> list[Chunk]:
    return [
        (torch.from_numpy(x[start : start + size]), torch.from_numpy(y[start : start + size]))
        for start in range(0, len(x) - size + 1, size)
    ]


def _table(data: str, file: str) -> tuple[np.ndarray, np.ndarray]:
    pandas = package("pandas", "pip install pandas")
    frame = pandas.read_csv(io.BytesIO(gzip.decompress((fetch(data) / file).read_bytes())))
    labels = frame.iloc[:, -1]
    return frame.iloc[:, :-1].to_numpy(np.float32), labels.astype("category").cat.codes.to_numpy(np.int64)


def elec2(seed: int) -> Sequence[Chunk]:
    """Half hours of an electricity market, by the day: does the price rise?"""
    del seed
    return chunked(*_table("elec2", "elec.csv.gz"), 48)


def weather(seed: int) -> Sequence[Chunk]:
    """Days of half a century, by the month: does it rain?"""
    del seed
    return chunked(*_table("weather", "weather.csv.gz"), 30)


def bananas(seed: int) -> Sequence[Chunk]:
    """Points of two interlocking shapes, in the order of river."""
    del seed
    rows = [*package("river.datasets", "pip install river").Bananas()]
    x = np.array([[*row.values()] for row, _ in rows], dtype=np.float32)
    return chunked(x, np.array([int(kind) for _, kind in rows]), 50)


def permuted(seed: int) -> Sequence[Chunk]:
    """Digits whose pixels are shuffled anew after every thousand."""
    x, y = _digits(seed)
    rng = np.random.default_rng(seed)
    parts = [x[start : start + 1000][:, rng.permutation(784)] for start in range(0, 5000, 1000)]
    return chunked(np.concatenate(parts), y, 50)


def incremental(seed: int) -> Sequence[Chunk]:
    """Digits two classes at a time: zeros and ones, then twos and threes."""
    x, y = _digits(seed)
    order = np.argsort(y // 2, kind="stable")
    return chunked(x[order], y[order], 50)


def ratings(seed: int) -> Sequence[Chunk]:
    """The first 30,000 ratings of films, in the order in which they were given (a forest of all would take an hour)."""
    del seed
    pandas = package("pandas", "pip install pandas")
    file = fetch("movielens100k") / "dataset_example/ml-100k/ml-100k.inter"
    frame = pandas.read_csv(file, sep="\t").sort_values("timestamp:float", kind="stable")[:30_000]
    return chunked(frame.iloc[:, :2].to_numpy(np.int64), frame.iloc[:, 2].to_numpy(np.float32), 500)


def _digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    arrays = mnist()
    x, y = (np.concatenate([part[place] for part in (arrays.train, arrays.validation, arrays.test)]) for place in (0, 1))
    order = np.random.default_rng(seed).permutation(len(x))
    return x.reshape(len(x), -1)[order].astype(np.float32), y[order].astype(np.int64)


STREAMS = {
    stream.name: stream
    for stream in (
        Stream("elec2", elec2, lambda: perceptron(6, 2), 2),
        Stream("weather", weather, lambda: perceptron(8, 2), 2),
        Stream("bananas", bananas, lambda: perceptron(2, 2), 2),
        Stream("permuted digits", permuted, lambda: perceptron(784, 10), 10),
        Stream("digits by class", incremental, lambda: perceptron(784, 10), 10),
        Stream("ratings", ratings, Factors, 0),
    )
}
