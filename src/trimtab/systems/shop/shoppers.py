"""VirtualTaobao's shoppers: who comes, how long they stay and what they click, by networks fitted to sessions at Taobao.

Shi, Yu, Da, Chen & Zeng 2019, "Virtual-Taobao: virtualizing real-world online retail environment for reinforcement learning";
weights of github.com/eyounx/VirtualTaobao. How long a shopper stays hangs on the shopper alone in this version.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trimtab.datasets import fetch

GROUPS = (8, 8, 11, 11, 11, 11, 2, 2, 3, 18, 3)
"""A shopper is one choice of each of these groups of traits, such as age and purchasing power: 88 numbers, one hot a group."""
TRAITS = sum(GROUPS)
KNOBS = 27
"""Weights, each in [-1, 1], by which the shop ranks what it shows."""
SHOWN = 10
"""Items on a page, each of which may be clicked."""
_NOISE = 128
_SLOPE = 0.01


class Layer(NamedTuple):
    """``weight`` (outputs, inputs) and ``bias`` (outputs,)."""

    weight: np.ndarray
    bias: np.ndarray


def draw_shoppers(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``count`` shoppers, shape (count, 88)."""
    logits = _forward("generator_model", rng.random((count, _NOISE)))
    parts = [_one_hot(part, rng) for part in np.split(logits, np.cumsum(GROUPS)[:-1], axis=1)]
    return np.concatenate(parts, axis=1)


def draw_pages(shoppers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how many pages each of ``shoppers`` (n, 88) looks at, at least one, shape (n,)."""
    return np.maximum(1, _drawn(_forward("leave_model", shoppers), rng))


def click_chances(shoppers: np.ndarray, pages: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the probability of 0 to 10 clicks, shape (n, 11), on page ``pages`` (n,) ranked by ``weights`` (n, 27)."""
    logits = _forward("action_model", np.concatenate([shoppers, pages[:, None], weights], axis=1))[:, : SHOWN + 1]
    return _softmax(logits)


def expected_clicks(shoppers: np.ndarray, pages: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean number of clicks of a page, shape (n,)."""
    return click_chances(shoppers, pages, weights) @ np.arange(SHOWN + 1)


@cache
def _layers(name: str) -> tuple[Layer, ...]:
    import torch

    held = torch.load(Path(fetch("virtualtaobao")) / f"{name}.pt", weights_only=True)
    indices = sorted({int(key.split(".")[0]) for key in held})
    return tuple(Layer(held[f"{index}.weight"].double().numpy(), held[f"{index}.bias"].double().numpy()) for index in indices)


def _forward(name: str, x: np.ndarray) -> np.ndarray:
    """Return the outputs of a network whose hidden layers are leaky rectifiers."""
    *hidden, last = _layers(name)
    for layer in hidden:
        x = x @ layer.weight.T + layer.bias
        x = np.where(x > 0, x, _SLOPE * x)
    return x @ last.weight.T + last.bias


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _drawn(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one index a row, drawn by the softmax of ``logits``."""
    edges = _softmax(logits).cumsum(axis=1)
    return (rng.random((len(logits), 1)) > edges).sum(axis=1).clip(max=logits.shape[1] - 1)


def _one_hot(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.eye(logits.shape[1])[_drawn(logits, rng)]
