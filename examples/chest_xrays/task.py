"""Pneumonia or not on chest X-rays of 28 by 28 pixels, by a small convolutional net, judged by the area under the ROC curve.

The data are a class-balanced subset of PneumoniaMNIST, not the official file. For research: this is no medical device.

trimtab run examples/chest_xrays/task.py:study
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import trimtab as tt
from trimtab.datasets import fetch

HEADLINE, HORIZON = "auroc", 20

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.3, log=True),
    batch_size=tt.Int(16, 256, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    width=tt.Int(8, 32, log=True, live=False),
)
DEFAULT = tt.Settings(lr=3e-3, batch_size=64, weight_decay=1e-2, dropout=0.3, optimizer="adamw", width=16)


def build_model(settings: tt.Settings) -> nn.Module:
    """Return two convolutions with normalisation, and the logit of pneumonia."""
    width = settings["width"]
    convolutions = [
        part
        for inputs, outputs in ((1, width), (width, 2 * width))
        for part in (nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))
    ]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Dropout(settings["dropout"]), nn.Linear(2 * width * 49, 1))


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return the subset's own splits, 2,428, 270 and 468 pictures; there is nothing to divide by ``seed``."""
    del seed
    (file,) = fetch("pneumonia").glob("*.npz")
    with np.load(file, allow_pickle=False) as held:
        pairs = [(held[f"{split}_images"], held[f"{split}_labels"]) for split in ("train", "val", "test")]
    sets = [
        TensorDataset(torch.tensor(x / 255, dtype=torch.float32).reshape(-1, 1, 28, 28), torch.tensor(y.reshape(-1)).float())
        for x, y in pairs
    ]
    return sets[0], sets[1], sets[2]


def auroc(outputs: Tensor, targets: Tensor) -> float:
    """Return the chance that a sick lung is ranked above a healthy one."""
    return float(roc_auc_score(targets, outputs.reshape(-1)))


def calibration_error(outputs: Tensor, targets: Tensor, bins: int = 15) -> float:
    """Return the mean distance of the predicted from the observed share of pneumonia, over bins. Naeini et al. 2015."""
    predicted = outputs.reshape(-1).sigmoid()
    places = (predicted * bins).long().clamp(max=bins - 1)
    gaps = [(predicted[places == place].sum() - targets[places == place].sum()).abs() for place in range(bins)]
    return float(torch.stack(gaps).sum() / len(targets))


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: one epoch a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(
        build=build_model,
        train=train,
        validation=validation,
        test=test,
        loss="binary_cross_entropy",
        scores={"auroc": auroc, "calibration_error": calibration_error},
    )


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "chest_xrays.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
