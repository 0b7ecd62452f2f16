"""How long 500 patients lived after a heart attack (WHAS500), by a Cox network, judged by the concordance of risk and time.

For research: this is no medical device.

trimtab run examples/survival/task.py:study
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sksurv.datasets import load_whas500
from sksurv.metrics import concordance_index_censored
from sksurv.preprocessing import OneHotEncoder
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.splits import divide

HEADLINE, HORIZON = "concordance", 30

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.3, log=True),
    batch_size=tt.Int(32, 256, log=True),
    weight_decay=tt.Float(1e-6, 1.0, log=True),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    width=tt.Int(4, 64, log=True, live=False),
    depth=tt.Int(1, 3, live=False),
)
DEFAULT = tt.Settings(lr=3e-3, batch_size=64, weight_decay=1e-1, dropout=0.3, optimizer="adamw", width=16, depth=1)


def build_model(settings: tt.Settings) -> nn.Module:
    """Return a perceptron from what is known of a patient to the logarithm of the risk."""
    layers: list[nn.Module] = []
    inputs = 14
    for _ in range(settings["depth"]):
        layers += [nn.Linear(inputs, settings["width"]), nn.ReLU(), nn.Dropout(settings["dropout"])]
        inputs = settings["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, 1), nn.Flatten(0))


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 250, 100 and 150 patients; targets (n, 2) are the days seen and whether the patient died then."""
    rows, outcomes = load_whas500()
    known = torch.tensor(OneHotEncoder().fit_transform(rows).to_numpy(np.float32))
    targets = torch.tensor(np.stack([outcomes["lenfol"], outcomes["fstat"]], 1).astype(np.float32))
    parts = divide(known, targets, [250, 100], seed)
    # the scale is that of the patients who are learned from
    learned = parts[0].tensors[0]
    mean, deviation = learned.mean(0), learned.std(0).clamp_min(1e-6)
    train, validation, test = (TensorDataset((part.tensors[0] - mean) / deviation, part.tensors[1]) for part in parts)
    return train, validation, test


def cox_loss(risks: Tensor, targets: Tensor) -> Tensor:
    """Return the mean negative log partial likelihood of those who died, ties after Breslow. Cox 1972; Katzman et al. 2018.

    >>> round(float(cox_loss(torch.zeros(2), torch.tensor([[1.0, 1.0], [2.0, 0.0]]))), 4)  # one of two died: log 2
    0.6931
    """
    days, died = targets.unbind(1)
    at_risk = days[None, :] >= days[:, None]
    among = risks[None, :].expand_as(at_risk).masked_fill(~at_risk, -torch.inf).logsumexp(1)
    return ((among - risks) * died).sum() / died.sum().clamp_min(1.0)


def concordance(risks: Tensor, targets: Tensor) -> float:
    """Return the share of comparable pairs of patients in which the one with the higher risk died first. Harrell 1982."""
    days, died = targets.double().unbind(1)
    return float(concordance_index_censored(died.bool().numpy(), days.numpy(), risks.double().numpy())[0])


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: four epochs a segment, an epoch being four steps."""
    train, validation, test = load_splits(seed)
    scores = {"concordance": concordance}
    return tt.TorchTask(
        build=build_model,
        train=train,
        validation=validation,
        test=test,
        loss=cox_loss,
        scores=scores,
        segment="4 epochs",
        # the loss depends on who else is in the batch: a split is measured as one
        evaluation_batch=500,
    )


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "survival.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
