"""Handwritten digits, read by a multilayer perceptron: a task, a space and a study in one file.

trimtab run examples/digits.py:study
"""

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import TensorDataset

import trimtab as tt

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}

SPACE = tt.Space(
    lr=tt.Float(1e-5, 1.0, log=True),
    batch_size=tt.Int(16, 512, log=True),
    weight_decay=tt.Float(1e-6, 1e-1, log=True),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw", "adagrad", "rmsprop"),
    momentum=tt.Float(0.0, 0.99, when={"optimizer": "sgd"}),
    width=tt.Int(16, 256, log=True, live=False),
    depth=tt.Int(1, 4, live=False),
    activation=tt.Categorical("relu", "gelu", "tanh", live=False),
)

BAD = tt.Settings(
    lr=3e-5, batch_size=256, weight_decay=0.05, dropout=0.5, optimizer="sgd", momentum=0.0, width=64, depth=2, activation="tanh"
)
"""A rate far too small, heavy regularisation, plain SGD: what a hurried person might leave in a script."""

DEFAULT = tt.Settings(
    lr=1e-3,
    batch_size=64,
    weight_decay=1e-6,
    dropout=0.0,
    optimizer="adam",
    momentum=0.9,
    width=128,
    depth=2,
    activation="relu",
)
"""Adam at 1e-3 with batches of 64: what most tutorials begin with."""


def build_model(settings: tt.Settings) -> nn.Module:
    """Return a perceptron from 64 pixels to 10 digits."""
    layers: list[nn.Module] = []
    inputs = 64
    for _ in range(settings["depth"]):
        activation = ACTIVATIONS[settings["activation"]]()
        layers += [nn.Linear(inputs, settings["width"]), activation, nn.Dropout(settings["dropout"])]
        inputs = settings["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return train, validation and test sets: 60, 20 and 20 % of the 1,797 digits, each class in its share."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    rest, test, rest_labels, test_labels = train_test_split(pixels, labels, test_size=0.2, stratify=labels, random_state=seed)
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=0.25, stratify=rest_labels, random_state=seed
    )
    parts = ((train, train_labels), (validation, validation_labels), (test, test_labels))
    first, second, third = (TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) for x, y in parts)
    return first, second, third


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: one epoch a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(
        build=build_model, train=train, validation=validation, test=test, loss="cross_entropy", segment="1 epoch"
    )


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of 400 segments, the first run of which starts from bad settings."""
    given = {"budget": tt.Budget(segments=400), "store": "sqlite:///digits.db", "start": BAD, "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
