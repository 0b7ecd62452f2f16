"""Normal or abnormal: every beat of record 100 of MIT-BIH, both leads, by a one-dimensional convolutional net.

The record has 2,239 normal beats and 34 others, so that classes are weighted and the score is the average precision. For
research: this is no medical device, and one patient says nothing of others.

trimtab run examples/heart_beats/task.py:study
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import wfdb
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import TensorDataset

import trimtab as tt
from trimtab.datasets import fetch

HEADLINE, HORIZON = "average_precision", 20
BEFORE, AFTER, WEIGHT = 90, 110, 20.0

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.3, log=True),
    batch_size=tt.Int(16, 256, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    width=tt.Int(8, 32, log=True, live=False),
)
DEFAULT = tt.Settings(lr=3e-3, batch_size=64, weight_decay=1e-2, dropout=0.2, optimizer="adamw", width=16)


def build_model(settings: tt.Settings) -> nn.Module:
    """Return three convolutions over time and the logit of an abnormal beat."""
    width = settings["width"]
    parts = [
        part
        for inputs, outputs in ((2, width), (width, 2 * width), (2 * width, 2 * width))
        for part in (nn.Conv1d(inputs, outputs, 7, padding=3), nn.BatchNorm1d(outputs), nn.ReLU(), nn.MaxPool1d(3))
    ]
    return nn.Sequential(
        *parts, nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Dropout(settings["dropout"]), nn.Linear(4 * width, 1)
    )


def load_beats() -> tuple[np.ndarray, np.ndarray]:
    """Return windows of 200 samples around the peaks, (beats, 2, 200), and whether each is abnormal."""
    record = str(fetch("ecg") / "100")
    signals, marks = wfdb.rdrecord(record).p_signal.T, wfdb.rdann(record, "atr")
    places = [(place, kind) for place, kind in zip(marks.sample, marks.symbol, strict=True) if kind in "NAV"]
    inside = [(place, kind) for place, kind in places if BEFORE <= place < signals.shape[1] - AFTER]
    windows = np.stack([signals[:, place - BEFORE : place + AFTER] for place, _ in inside]).astype(np.float32)
    return windows - windows.mean(2, keepdims=True), np.array([kind != "N" for _, kind in inside], dtype=np.float32)


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 50, 20 and 30 % of the beats, each with its share of the abnormal ones: in time order a part might have none."""
    windows, abnormal = load_beats()
    rest, test, rest_kind, test_kind = train_test_split(windows, abnormal, test_size=0.3, stratify=abnormal, random_state=seed)
    train, validation, train_kind, validation_kind = train_test_split(
        rest, rest_kind, test_size=2 / 7, stratify=rest_kind, random_state=seed
    )
    pairs = ((train, train_kind), (validation, validation_kind), (test, test_kind))
    first, second, third = (TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) for x, y in pairs)
    return first, second, third


def weighted_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy, an abnormal beat counting twenty times."""
    weight = torch.tensor(WEIGHT, device=outputs.device)
    return functional.binary_cross_entropy_with_logits(outputs.reshape(-1), targets, pos_weight=weight)


def average_precision(outputs: Tensor, targets: Tensor) -> float:
    """Return the mean precision over the recalls of abnormal beats."""
    return float(average_precision_score(targets, outputs.reshape(-1)))


def auroc(outputs: Tensor, targets: Tensor) -> float:
    """Return the chance that an abnormal beat is ranked above a normal one."""
    return float(roc_auc_score(targets, outputs.reshape(-1)))


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: one epoch a segment."""
    train, validation, test = load_splits(seed)
    scores = {"average_precision": average_precision, "auroc": auroc}
    return tt.TorchTask(build=build_model, train=train, validation=validation, test=test, loss=weighted_loss, scores=scores)


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "heart_beats.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
