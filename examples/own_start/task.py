"""The digits of scikit-learn, 200 to learn from, by a net that a study trained on MNIST's before.

trimtab run examples/own_start/task.py:study
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.digit_images import task as first
from examples.splits import divide

HEADLINE, HORIZON, STORE = "accuracy", 10, "own_start.db"

SPACE = tt.Space(
    lr=tt.Float(1e-5, 0.3, log=True),
    batch_size=tt.Int(8, 128, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    augmentation=tt.Float(0.0, 1.0),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
)
DEFAULT = tt.Settings(lr=1e-3, batch_size=32, weight_decay=1e-2, augmentation=0.3, dropout=0.2, optimizer="adamw")


def train_first(store: Any = STORE, *, segments: int = first.HORIZON, seed: int = 0) -> tt.Result:
    """Return the study on MNIST that the model comes from: one run, trained here unless ``store`` has it already."""
    budget = tt.Budget(segments=segments)
    return first.study(seed, budget=budget, store=store, name="mnist", start=first.DEFAULT).run()


def build_model(settings: tt.Settings, *, net: tt.Settings) -> nn.Module:
    """Return the first study's ``net`` with the dropout of ``settings``."""
    return first.build_model(tt.Settings({**net, "dropout": settings["dropout"]}))


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 200 digits of another collection to learn from, 300 to validate by and 1,297 to test on, as large as MNIST's."""
    pixels, labels = load_digits(return_X_y=True)
    small = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    # MNIST's digits have a margin of four pixels
    pictures = nn.functional.pad(interpolate(small, 20, mode="bilinear"), (4, 4, 4, 4))
    train, validation, test = divide(pictures, torch.tensor(labels), [200, 300], seed)
    return train, validation, test


def make_task(seed: int = 0, *, pretrained: bool = True, start: tt.Result | None = None) -> tt.TorchTask:
    """Return the task, two epochs a segment, from the model that ``start`` found (by default on MNIST), or from nothing."""
    train, validation, test = load_splits(seed)
    start = train_first() if pretrained and start is None else start
    weights: dict[str, Tensor] | None = None if start is None else start.load_model().state_dict()
    return tt.TorchTask(
        build=partial(build_model, net=first.DEFAULT if start is None else start.best.settings),
        train=train,
        validation=validation,
        test=test,
        segment="2 epochs",
        augment=first.augment,
        pretrained=weights,
    )


def study(seed: int = 0, *, pretrained: bool = True, store: Any = STORE, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    task = make_task(seed, pretrained=pretrained, start=train_first(store) if pretrained else None)
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": store, "seed": seed, **options}
    return tt.Study(task, SPACE, **given)
