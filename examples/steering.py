"""One run as people write it: epochs, batches, a schedule. The schedule is a Pilot, or a cosine that falls to zero."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import TensorDataset

import trimtab as tt

Loss = Callable[[Tensor, Tensor], Tensor]


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    train: TensorDataset,
    validation: TensorDataset,
    loss: Loss,
    epochs: int,
    batch_size: int,
    steer: bool,
    passes: int = 1,
    augment: Callable[[Tensor], Tensor] = lambda inputs: inputs,
    given: bool = False,
) -> None:
    """Train ``model`` in place, by a Pilot if ``steer``, else with the optimizer's rate falling along a cosine.

    The schedule moves after every ``passes`` through the data, ``epochs`` times.
    """
    pilot = tt.Pilot(optimizer, horizon=epochs, given=given) if steer else None
    cosine = None if steer else CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        model.train()
        total = 0.0
        order = torch.cat([torch.randperm(len(train)) for _ in range(passes)])
        for chosen in order.split(batch_size):
            inputs, targets = train[chosen]
            optimizer.zero_grad()
            value = loss(model(augment(inputs)), targets)
            value.backward()
            optimizer.step()
            total += value.item() * len(targets)
        if pilot is not None:
            outputs, targets = predict(model, validation)
            pilot.step(train_loss=total / len(order), validation_loss=float(loss(outputs, targets)))
        if cosine is not None:
            cosine.step()


@torch.no_grad()
def predict(model: nn.Module, data: TensorDataset, batch_size: int = 512) -> tuple[Tensor, Tensor]:
    """Return outputs and targets of a split, without dropout."""
    model.eval()
    parts = torch.arange(len(data)).split(batch_size)
    batches = [(model(inputs), targets) for inputs, targets in (data[part] for part in parts)]
    return torch.cat([outputs for outputs, _ in batches]), torch.cat([targets for _, targets in batches])


def judge_classes(model: nn.Module, test: TensorDataset) -> dict[str, float]:
    """Return the accuracy and the cross-entropy of ``model`` on the test split."""
    outputs, targets = predict(model, test)
    accuracy = float((outputs.argmax(1) == targets).float().mean())
    return {"accuracy": accuracy, "loss": float(cross_entropy(outputs, targets))}


def at_rates(groups: Sequence[Mapping[str, Any]], lr: float) -> list[dict[str, Any]]:
    """Return the param groups of a TorchTask as torch has them: each at its own multiple of ``lr``."""
    return [{"params": group["params"], "lr": lr * group.get("lr_multiplier", 1.0)} for group in groups]


def show(fly: Callable[..., Mapping[str, float]], about: str | None) -> None:
    """Run ``fly(seed, steer=...)`` from the command line, and print its test metrics, the time and the memory it took."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-pilot", action="store_true", help="the default rate with a cosine instead")
    options = parser.parse_args()
    began = time.perf_counter()
    metrics = fly(options.seed, steer=not options.no_pilot)
    print("test:", ", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
    print(f"{time.perf_counter() - began:.1f} s, {peak_memory():.0f} MB at most")


def peak_memory() -> float:
    """Return the most memory that this process has held, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)
