"""Training tasks for the calibrated configuration: scikit-learn's data sets and synthetic teachers, none held out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.pilot_suite import nets, sequence_nets
from benchmarks.pilot_suite.losses import CROSS_ENTROPY, SQUARED_ERROR
from benchmarks.pilot_suite.sources import Array, Arrays, divided, package, standardised
from benchmarks.pilot_suite.task import Task

mlp = nets.mlp


def bundled(name: str) -> Arrays:
    """Return one of scikit-learn's data sets by the name after ``load_``, standardised."""
    x, y = getattr(package("sklearn.datasets"), f"load_{name}")(return_X_y=True)
    train, rest = int(len(x) * 0.6), int(len(x) * 0.2)
    targets = name == "diabetes"
    y = y[:, None].astype(np.float32) if targets else y.astype(np.int64)
    return standardised(divided(x, y, train=train, validation=rest, test=rest), targets=targets)


def digit_pictures() -> Arrays:
    """Return the digits as (n, 1, 8, 8) in [0, 1]."""
    x, y = package("sklearn.datasets").load_digits(return_X_y=True)
    parts = ((x / 16).reshape(-1, 1, 8, 8).astype(np.float32), y.astype(np.int64))
    return divided(*parts, train=1080, validation=350, test=360)


def taught(inputs: int, count: int, noise: float, seed: int) -> Arrays:
    """Return what a random net of two layers says of random inputs, with noise, standardised."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, inputs))
    hidden = np.tanh(x @ rng.standard_normal((inputs, 24)) / np.sqrt(inputs) * 2)
    y = hidden @ rng.standard_normal((24, 1)) + noise * rng.standard_normal((count, 1)) * np.sqrt(24)
    return standardised(_parted(x, y), targets=True)


def clusters(inputs: int, count: int, classes: int, spread: float, seed: int) -> Arrays:
    """Return a mixture of three clusters a class."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((3 * classes, inputs))
    which = rng.integers(3 * classes, size=count)
    x = centres[which] + spread * rng.standard_normal((count, inputs))
    return standardised(_parted(x, which % classes))


def waves(count: int, seed: int) -> Arrays:
    """Return sums of two sines, of which four values follow those that are seen."""
    rng = np.random.default_rng(seed)
    pace, phase = rng.uniform(0.1, 0.6, (2, count, 1)), rng.uniform(0, 6.28, (2, count, 1))
    whole = np.sin(pace * np.arange(36) + phase).sum(axis=0) + 0.02 * rng.standard_normal((count, 36))
    whole = whole.astype(np.float32)
    return _parted(whole[:, None, :32], whole[:, 32:])


def chains(symbols: int, length: int, count: int, seed: int) -> Arrays:
    """Return texts of a Markov chain whose next symbol depends on the last two; the targets are the next symbols."""
    rng = np.random.default_rng(seed)
    odds = np.cumsum(rng.dirichlet(np.full(symbols, 0.15), size=(symbols, symbols)), axis=2)
    text = rng.integers(symbols, size=(count, length + 1))
    for place in range(2, length + 1):
        drawn = rng.random((count, 1))
        text[:, place] = (odds[text[:, place - 2], text[:, place - 1]] < drawn).sum(axis=1).clip(max=symbols - 1)
    return _parted(text[:, :-1], text[:, 1:])


def rated(users: int, things: int, count: int, noise: float, seed: int) -> Arrays:
    """Return ratings that are products of hidden vectors, with noise, of mean 0."""
    rng = np.random.default_rng(seed)
    x = np.stack([rng.integers(users, size=count), rng.integers(things, size=count)], axis=1)
    tastes, traits = rng.standard_normal((users, 4)), rng.standard_normal((things, 4))
    y = (tastes[x[:, 0]] * traits[x[:, 1]]).sum(axis=1) / 2 + noise * rng.standard_normal(count)
    return _parted(x, y.astype(np.float32))


def topics(words: int, length: int, count: int, classes: int, seed: int) -> Arrays:
    """Return texts whose words are drawn from a mixture of their class's own and of everybody's; word 0 is padding."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=count)
    own = 1 + (rng.zipf(1.3, (count, length)) * classes + y[:, None]) % (words - 1)
    common = 1 + rng.zipf(1.2, (count, length)) % (words - 1)
    return _parted(np.where(rng.random((count, length)) < 0.25, own, common), y)


def oscillations(count: int, seed: int) -> Arrays:
    """Return noisy series (n, 20, 1) of three kinds: a sine, a sawtooth or a square, each of any pace and phase."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.3, 0.9, (count, 1)) * np.arange(20) + rng.uniform(0, 6.28, (count, 1))
    kinds = np.stack([np.sin(angle), angle / np.pi % 2 - 1, np.sign(np.sin(angle))])
    y = rng.integers(3, size=count)
    x = kinds[y, np.arange(count)] + 0.3 * rng.standard_normal((count, 20))
    return _parted(x[:, :, None].astype(np.float32), y)


def _parted(x: Array, y: Array) -> Arrays:
    return divided(x, y, train=int(len(x) * 0.7), validation=int(len(x) * 0.15), test=int(len(x) * 0.15))


def _waved() -> nn.Sequential:
    convolutions = (nn.Conv1d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.Conv1d(8, 12, 5, stride=2, padding=2), nn.ReLU())
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(96, 4))


def _pictured() -> nn.Sequential:
    convolutions = (nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3, stride=2), nn.ReLU())
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(12 * 4, 10))


class _Attentive(nn.Module):
    """The next symbol by attention to those before it."""

    def __init__(self, symbols: int, length: int, width: int) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(symbols, width), nn.Linear(width, symbols)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.body = nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.register_buffer("later", nn.Transformer.generate_square_subsequent_mask(length), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.table(x) + self.places, src_mask=self.get_buffer("later")))


def _task(
    name: str, load: Callable[[], Arrays], make: Callable[[], nn.Module], *, classes: bool, steps: int, horizon: int
) -> Task:
    return Task(name, "training", load, make, CROSS_ENTROPY if classes else SQUARED_ERROR, 32, steps, horizon)


TRAINING_TASKS = (
    _task("digits-mlp", partial(bundled, "digits"), partial(mlp, 64, 48, 48, 10), classes=True, steps=20, horizon=30),
    _task("digits-cnn", digit_pictures, _pictured, classes=True, steps=15, horizon=24),
    _task(
        "cancer-mlp",
        partial(bundled, "breast_cancer"),
        partial(mlp, 30, 32, 2, dropout=0.2),
        classes=True,
        steps=15,
        horizon=20,
    ),
    _task("diabetes-mlp", partial(bundled, "diabetes"), partial(mlp, 10, 32, 1), classes=False, steps=15, horizon=20),
    _task(
        "teacher-exact",
        partial(taught, 12, 12_000, 0.0, 1),
        partial(mlp, 12, 64, 64, 1, activation=nn.Tanh),
        classes=False,
        steps=25,
        horizon=40,
    ),
    _task("teacher-noisy", partial(taught, 20, 3000, 0.5, 2), partial(mlp, 20, 64, 64, 1), classes=False, steps=20, horizon=30),
    _task(
        "teacher-few",
        partial(taught, 16, 400, 0.1, 3),
        partial(nets.ResidualMLP, 16, 24, 2, 1),
        classes=False,
        steps=12,
        horizon=25,
    ),
    _task(
        "clusters-clear",
        partial(clusters, 16, 8000, 8, 0.4, 4),
        partial(mlp, 16, 48, 48, 8, norm=nn.BatchNorm1d),
        classes=True,
        steps=20,
        horizon=30,
    ),
    _task(
        "clusters-blurred",
        partial(clusters, 10, 2000, 5, 1.0, 5),
        partial(mlp, 10, 48, 48, 5, norm=nn.LayerNorm),
        classes=True,
        steps=20,
        horizon=30,
    ),
    _task("waves-convolution", partial(waves, 6000, 6), _waved, classes=False, steps=20, horizon=40),
    _task(
        "chain-attention", partial(chains, 16, 16, 3000, 7), partial(_Attentive, 16, 16, 24), classes=True, steps=16, horizon=30
    ),
    _task(
        "chain-lstm",
        partial(chains, 12, 20, 3000, 8),
        partial(sequence_nets.Characters, 12, 32),
        classes=True,
        steps=16,
        horizon=30,
    ),
    _task(
        "oscillations-gru",
        partial(oscillations, 2400, 9),
        partial(sequence_nets.LastState, nn.GRU, 1, 16, 3),
        classes=True,
        steps=16,
        horizon=25,
    ),
    _task(
        "ratings-factors",
        partial(rated, 200, 300, 12_000, 0.5, 10),
        partial(nets.Factors, 200, 300, 8),
        classes=False,
        steps=30,
        horizon=30,
    ),
    _task(
        "topics-bag",
        partial(topics, 1500, 16, 4000, 4, 11),
        partial(sequence_nets.Bag, 1500, 16, 4, 0.3),
        classes=True,
        steps=20,
        horizon=25,
    ),
)


def check_apart(names: set[str]) -> None:
    """Raise if a training task carries the name of a held-out one."""
    both = names & {task.name for task in TRAINING_TASKS}
    if both:
        raise ValueError(f"training tasks: expected none of the held-out ones, got {', '.join(sorted(both))}")
