"""What is learned: several data sets of one shape at a time, synthetic or real, from clean to hopeless.

A problem is drawn by a function ``(rng, sets) -> Problem``; those of one kind of model stand together in ``BY_FORM``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from trimtab.errors import MissingExtraError

Form = Literal["vector", "image", "tokens", "pairs", "sequence"]
Array: TypeAlias = np.ndarray

HELD = 288
"""Examples held out where a model's forward is costly."""


@dataclass(frozen=True, slots=True)
class Problem:
    """D data sets of one shape.

    ``inputs``: (D, n, …); ``targets``: (D, n) classes, (D, n, k) numbers or (D, n, T) next tokens. The last ``held`` of the n
    examples of each are held out: a third of them for validation, which the agent is told of, the others for the test, by which
    it is judged. An agent that were judged by what it is told would learn to keep what was lucky. ``outputs``: width of a
    model's output. ``tokens``: how many different ones there are, for tokens; users and items for pairs.
    """

    name: str
    form: Form
    loss: Literal["cross_entropy", "mse", "next_token"]
    inputs: Array
    targets: Array
    outputs: int
    held: int
    tokens: tuple[int, ...] = ()

    @property
    def examples(self) -> int:
        """Training examples of each data set."""
        return self.inputs.shape[1] - self.held

    @property
    def validation(self) -> slice:
        """The rows for validation."""
        return slice(self.examples, self.examples + self.held // 3)

    @property
    def test(self) -> slice:
        """The rows for the test."""
        return slice(self.examples + self.held // 3, None)


def cross_entropy(output: Tensor, target: Tensor, smoothing: Tensor | None) -> Tensor:
    """Return the cross-entropy of each example, (B,), from logits (B, k) and classes (B,).

    A share ``smoothing``, a scalar, of each label is spread over all classes (Szegedy et al. 2016, section 7).
    """
    plain = nn.functional.cross_entropy(output, target, reduction="none")
    if smoothing is None:
        return plain
    return plain + smoothing * (-nn.functional.log_softmax(output, 1).mean(1) - plain)


def squared_error(output: Tensor, target: Tensor, smoothing: Tensor | None) -> Tensor:  # noqa: ARG001  # as the others
    """Return the mean squared error of each example, (B,)."""
    return (output - target).square().mean(-1)


def next_token(output: Tensor, target: Tensor, smoothing: Tensor | None) -> Tensor:
    """Return the mean cross-entropy over the places of each example, (B,), from logits (B, T, k)."""
    return cross_entropy(output.transpose(1, 2), target, smoothing).mean(-1)


LOSSES = {"cross_entropy": cross_entropy, "mse": squared_error, "next_token": next_token}


def _counts(rng: np.random.Generator) -> tuple[int, int]:
    """Return how many examples there are for training, few or many, and how many are held out."""
    train = int(np.exp(rng.uniform(np.log(64), np.log(4096))))
    return train, int(np.clip(train // 2, 96, 480))


def _scaled(rng: np.random.Generator, x: Array) -> Array:
    """Return ``x`` (D, n, F) with features of different, sometimes of very different scale."""
    spread = float(rng.choice([0.0, 0.0, 0.0, 0.5, 1.5]))
    return x * np.exp(spread * rng.normal(size=(len(x), 1, x.shape[-1])))


def _teacher(rng: np.random.Generator, x: Array, outputs: int) -> Array:
    """Return what a random net makes of ``x`` (D, n, F), of mean zero and deviation one."""
    depth, width = int(rng.integers(0, 4)), int(rng.integers(8, 65))
    gain = float(np.exp(rng.uniform(np.log(0.7), np.log(3.0))))
    for _ in range(depth):
        x = np.tanh(gain * x @ rng.normal(size=(len(x), x.shape[-1], width)) / np.sqrt(x.shape[-1]))
    y = x @ rng.normal(size=(len(x), x.shape[-1], outputs)) / np.sqrt(x.shape[-1])
    return (y - y.mean((1,), keepdims=True)) / (y.std((1,), keepdims=True) + 1e-6)


def _features(rng: np.random.Generator, sets: int, n: int) -> Array:
    """Return inputs (D, n, F): white, or of few dimensions in disguise, or correlated."""
    width = int(np.exp(rng.uniform(np.log(4), np.log(64))))
    kind = rng.choice(["white", "low-rank", "correlated"])
    if kind == "white":
        return rng.normal(size=(sets, n, width))
    if kind == "low-rank":
        rank = max(2, width // 6)
        hidden = rng.normal(size=(sets, n, rank)) @ rng.normal(size=(sets, rank, width)) / np.sqrt(rank)
        return np.tanh(hidden) + 0.05 * rng.normal(size=hidden.shape)
    scale = np.arange(1, width + 1) ** -rng.uniform(0.5, 1.5)
    return (rng.normal(size=(sets, n, width)) * scale / scale.max()) @ np.linalg.qr(rng.normal(size=(sets, width, width)))[0]


def _labels(rng: np.random.Generator, logits: Array) -> Array:
    """Return classes (D, n) drawn from ``logits``, sharply or softly, some of them wrong, some of them rare."""
    sharpness = float(rng.choice([1.0, 3.0, 10.0, 100.0]))
    tilt = float(rng.choice([0.0, 0.0, 1.5])) * rng.normal(size=(len(logits), 1, logits.shape[-1])) / sharpness
    noisy = sharpness * (logits + tilt) + rng.gumbel(size=logits.shape)
    labels = noisy.argmax(-1)
    wrong = rng.random(labels.shape) < float(rng.choice([0.0, 0.0, 0.1, 0.3]))
    return np.where(wrong, rng.integers(logits.shape[-1], size=labels.shape), labels)


def taught_classes(rng: np.random.Generator, sets: int) -> Problem:
    """Classes that a random net tells apart."""
    train, held = _counts(rng)
    x = _features(rng, sets, train + held)
    outputs = int(rng.integers(2, 13))
    y = _labels(rng, _teacher(rng, x, outputs))
    return _vectors("taught classes", "cross_entropy", _scaled(rng, x), y, outputs, held)


def mixtures(rng: np.random.Generator, sets: int) -> Problem:
    """Classes that are mixtures of Gaussian clusters, more or less apart."""
    train, held = _counts(rng)
    outputs, clusters, width = int(rng.integers(2, 11)), int(rng.integers(1, 6)), int(rng.integers(2, 33))
    apart = float(np.exp(rng.uniform(np.log(0.3), np.log(4.0))))
    centres = apart * rng.normal(size=(sets, outputs * clusters, width))
    cluster = rng.integers(outputs * clusters, size=(sets, train + held))
    x = np.take_along_axis(centres, cluster[..., None], 1) + rng.normal(size=(*cluster.shape, width))
    wrong = rng.random(cluster.shape) < float(rng.choice([0.0, 0.0, 0.2]))
    y = np.where(wrong, rng.integers(outputs, size=cluster.shape), cluster % outputs)
    return _vectors("mixtures", "cross_entropy", _scaled(rng, x), y, outputs, held)


def taught_numbers(rng: np.random.Generator, sets: int) -> Problem:
    """Numbers that a random net makes, with no noise, little or much."""
    train, held = _counts(rng)
    x = _features(rng, sets, train + held)
    outputs = int(rng.choice([1, 1, 3, 8]))
    y = _teacher(rng, x, outputs)
    y = y + float(rng.choice([0.0, 0.01, 0.1, 0.5, 1.0])) * rng.normal(size=y.shape)
    return _vectors("taught numbers", "mse", _scaled(rng, x), y, outputs, held)


def waves(rng: np.random.Generator, sets: int) -> Problem:
    """Sums of waves over a few inputs: smooth or quick, nearly without noise, so that the loss goes on falling."""
    train, held = _counts(rng)
    width = int(rng.integers(1, 5))
    x = rng.uniform(-1, 1, size=(sets, train + held, width))
    quick = float(np.exp(rng.uniform(np.log(1.0), np.log(8.0))))
    phase = rng.uniform(0, 2 * np.pi, size=(sets, 1, 6))
    y = (np.sin(quick * x @ rng.normal(size=(sets, width, 6)) + phase) @ rng.normal(size=(sets, 6, 1))) / 2.0
    y = y + float(rng.choice([0.0, 0.0, 0.05])) * rng.normal(size=y.shape)
    return _vectors("waves", "mse", x, y, 1, held)


def reconstruction(rng: np.random.Generator, sets: int) -> Problem:
    """Inputs that are to be returned through the model's waist, of fewer dimensions than they seem to have."""
    train, held = _counts(rng)
    rank, width = int(rng.integers(2, 9)), int(rng.integers(16, 49))
    hidden = rng.normal(size=(sets, train + held, rank))
    x = np.tanh(hidden @ rng.normal(size=(sets, rank, width)) / np.sqrt(rank)) + 0.02 * rng.normal(
        size=(sets, train + held, width)
    )
    return _vectors("reconstruction", "mse", x, x, width, held)


def _vectors(name: str, loss: Literal["cross_entropy", "mse"], x: Array, y: Array, outputs: int, held: int) -> Problem:
    targets = y.astype(np.int64) if loss == "cross_entropy" else y.astype(np.float32)
    return Problem(name, "vector", loss, x.astype(np.float32), targets, outputs, held)


@lru_cache
def _real(name: str) -> tuple[Array, Array]:
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingExtraError("a policy learns on scikit-learn's data sets too: pip install 'trimtab[examples]'") from None
    loaded = getattr(datasets, f"load_{name}")()
    x = loaded.data.astype(np.float64)
    return (x - x.mean(0)) / (x.std(0) + 1e-6), loaded.target


def real_tables(rng: np.random.Generator, sets: int) -> Problem:
    """Small real data sets, seen through a random rotation, other splits and some wrong labels for each."""
    name = str(rng.choice(["digits", "digits", "breast_cancer", "wine", "diabetes"]))
    x, y = _real(name)
    order = rng.permuted(np.broadcast_to(np.arange(len(x)), (sets, len(x))), axis=1)
    rotation = np.linalg.qr(rng.normal(size=(sets, x.shape[1], x.shape[1])))[0]
    seen = x[order] @ rotation if rng.random() < 0.5 else x[order]
    held = max(90, len(x) // 3)
    if name == "diabetes":
        numbers = ((y - y.mean()) / y.std())[order][..., None]
        return _vectors(name, "mse", seen, numbers, 1, held)
    outputs = int(y.max()) + 1
    wrong = rng.random(order.shape) < float(rng.choice([0.0, 0.0, 0.2]))
    return _vectors(
        name, "cross_entropy", seen, np.where(wrong, rng.integers(outputs, size=order.shape), y[order]), outputs, held
    )


def digit_images(rng: np.random.Generator, sets: int) -> Problem:
    """The real 8 × 8 digits as images, with noise and wrong labels or without."""
    x, y = _real("digits")
    order = rng.permuted(np.broadcast_to(np.arange(len(x)), (sets, len(x))), axis=1)
    images = x[order].reshape(sets, -1, 1, 8, 8) + float(rng.choice([0.0, 0.5, 1.5])) * rng.normal(size=(sets, len(x), 1, 8, 8))
    wrong = rng.random(order.shape) < float(rng.choice([0.0, 0.1]))
    labels = np.where(wrong, rng.integers(10, size=order.shape), y[order])
    return Problem("digit images", "image", "cross_entropy", images.astype(np.float32), labels.astype(np.int64), 10, HELD)


def gratings(rng: np.random.Generator, sets: int) -> Problem:
    """Images of waves at several angles and wave lengths, in noise; the class is the angle."""
    train, held = _counts(rng)[0], HELD
    n, side, outputs = train + held, int(rng.choice([8, 12])), int(rng.integers(3, 9))
    labels = rng.integers(outputs, size=(sets, n))
    angle = np.pi * labels / outputs + 0.1 * rng.normal(size=labels.shape)
    length = rng.uniform(2.5, 6.0, size=labels.shape)
    axis = np.arange(side)
    along = np.cos(angle)[..., None, None] * axis[:, None] + np.sin(angle)[..., None, None] * axis
    waves_ = np.sin(2 * np.pi * along / length[..., None, None] + rng.uniform(0, 2 * np.pi, size=labels.shape)[..., None, None])
    images = waves_ + float(rng.choice([0.2, 1.0, 2.0])) * rng.normal(size=waves_.shape)
    return Problem("gratings", "image", "cross_entropy", images[:, :, None].astype(np.float32), labels, outputs, held)


def taught_images(rng: np.random.Generator, sets: int) -> Problem:
    """Smooth random images with a number that a random local filter and a random net make of them."""
    train, held = _counts(rng)[0], HELD
    n, side = train + held, 8
    x = rng.normal(size=(sets, n, side, side))
    x = (x + np.roll(x, 1, 2) + np.roll(x, 1, 3) + np.roll(x, (1, 1), (2, 3))) / 2.0
    response = np.tanh(sum(rng.normal(size=(sets, 1, 1, 1)) * np.roll(x, (i, j), (2, 3)) for i in range(3) for j in range(3)))
    y = _teacher(rng, response.reshape(sets, n, -1)[:, :, :: max(1, side // 2)], 1)
    y = y + float(rng.choice([0.0, 0.1, 0.5])) * rng.normal(size=y.shape)
    return Problem("taught images", "image", "mse", x[:, :, None].astype(np.float32), y.astype(np.float32), 1, held)


def chains(rng: np.random.Generator, sets: int) -> Problem:
    """Sequences from random Markov chains, of which the next token is to be told."""
    train, held = _counts(rng)[0], HELD
    n, tokens, length = min(train, 2048) + held, int(rng.integers(6, 25)), int(rng.choice([6, 8, 10]))
    sharp = float(rng.choice([1.0, 2.0, 4.0]))
    logits = sharp * rng.normal(size=(sets, tokens, tokens, tokens))
    if rng.random() < 0.5:  # of the first order: the token before last does not matter
        logits[:] = logits[:, :1]
    chance = np.exp(logits - logits.max(-1, keepdims=True))
    edges = (chance / chance.sum(-1, keepdims=True)).cumsum(-1)
    walk = np.empty((sets, n, length + 1), dtype=np.int64)
    walk[:, :, :2] = rng.integers(tokens, size=(sets, n, 2))
    each = np.arange(sets)[:, None]
    for place in range(2, length + 1):
        drawn = rng.random((sets, n, 1)) > edges[each, walk[:, :, place - 2], walk[:, :, place - 1]]
        walk[:, :, place] = np.minimum(drawn.sum(-1), tokens - 1)
    return Problem("chains", "tokens", "next_token", walk[:, :, :-1], walk[:, :, 1:], tokens, held, (tokens,))


def topics(rng: np.random.Generator, sets: int) -> Problem:
    """Bags of words, most of them common to all classes; the class is the topic."""
    train, held = _counts(rng)
    n, tokens, outputs = train + held, int(rng.integers(50, 400)), int(rng.integers(2, 7))
    length = int(rng.choice([8, 16, 24]))
    lean = float(np.exp(rng.uniform(np.log(0.3), np.log(1.5))))
    common = -1.0 * np.log(np.arange(1, tokens + 1))
    logits = common + lean * rng.normal(size=(sets, outputs, tokens))
    labels = rng.integers(outputs, size=(sets, n))
    chance = np.exp(logits)
    edges = (chance / chance.sum(-1, keepdims=True)).cumsum(-1)
    words = np.stack(
        [
            np.stack([np.searchsorted(edges[d, label], rng.random(length)) for label in labels[d]])  # one text each
            for d in range(sets)
        ]
    )
    wrong = rng.random(labels.shape) < float(rng.choice([0.0, 0.1]))
    given = np.where(wrong, rng.integers(outputs, size=labels.shape), labels)
    return Problem("topics", "tokens", "cross_entropy", np.minimum(words, tokens - 1), given, outputs, held, (tokens,))


def ratings(rng: np.random.Generator, sets: int) -> Problem:
    """Ratings of items by users: of low rank, with biases and noise; few or many for each user."""
    users, items, rank = int(rng.integers(30, 200)), int(rng.integers(30, 200)), int(rng.integers(1, 9))
    train, held = int(np.exp(rng.uniform(np.log(500), np.log(8000)))), 600
    pairs = np.stack([rng.integers(users, size=(sets, train + held)), rng.integers(items, size=(sets, train + held))], -1)
    each = np.arange(sets)[:, None]
    taste, kind = rng.normal(size=(sets, users, rank)), rng.normal(size=(sets, items, rank)) / np.sqrt(rank)
    bias = rng.normal(size=(sets, users))[each, pairs[..., 0]] + rng.normal(size=(sets, items))[each, pairs[..., 1]]
    signal = (taste[each, pairs[..., 0]] * kind[each, pairs[..., 1]]).sum(-1) + 0.5 * bias
    y = signal + float(rng.choice([0.1, 0.5, 1.5])) * rng.normal(size=signal.shape) + float(rng.choice([0.0, 3.0]))
    return Problem("ratings", "pairs", "mse", pairs, y[..., None].astype(np.float32), 1, held, (users, items))


def series(rng: np.random.Generator, sets: int) -> Problem:
    """Noisy waves of which the class is the wave length, or a number is the next value."""
    train, held = _counts(rng)[0], HELD
    n, length, outputs = min(train, 1024) + held, int(rng.choice([8, 12])), int(rng.integers(2, 6))
    labels = rng.integers(outputs, size=(sets, n))
    speed = 0.3 + 0.9 * labels / outputs + 0.05 * rng.normal(size=labels.shape)
    at = speed[..., None] * np.arange(length + 1) + rng.uniform(0, 2 * np.pi, size=labels.shape)[..., None]
    x = np.sin(at) + float(rng.choice([0.05, 0.4, 1.0])) * rng.normal(size=at.shape)
    x = x[..., None].astype(np.float32)
    if rng.random() < 0.5:
        return Problem("series", "sequence", "cross_entropy", x[:, :, :-1], labels, outputs, held)
    return Problem("next value", "sequence", "mse", x[:, :, :-1], x[:, :, -1], 1, held)


BY_FORM: Mapping[Form, tuple[Callable[[np.random.Generator, int], Problem], ...]] = {
    "vector": (taught_classes, mixtures, taught_numbers, waves, reconstruction, real_tables),
    "image": (digit_images, gratings, taught_images),
    "tokens": (chains, topics),
    "pairs": (ratings,),
    "sequence": (series,),
}


def tensors(problem: Problem, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return inputs and targets on ``device``."""
    return torch.from_numpy(problem.inputs).to(device), torch.from_numpy(problem.targets).to(device)
