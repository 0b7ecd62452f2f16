"""What a training step minimises, and what happens to a batch before it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trimtab.seeds import derive
from trimtab.task.batches import Batch
from trimtab.task.data import check_labels
from trimtab.task.evaluation import explain_labels, pair
from trimtab.task.losses import Loss
from trimtab.task.nest import to_device
from trimtab.task.training import Objective, loss_of

Augment = Callable[[Any, float, torch.Generator], Any]


def make_objective(
    step: Callable[[nn.Module, Any], Any] | None,
    loss: Loss,
    *,
    label_smoothing: float,
    autocast: Callable[[], AbstractContextManager[Any]] | None,
) -> Objective:
    """Return the function (model, batch) -> loss: the user's ``step``, or ``loss`` of the model's output."""

    def stepped(model: nn.Module, batch: Batch) -> Tensor:
        assert step is not None
        return loss_of(step(model, batch))

    def supervised(model: nn.Module, batch: Batch) -> Tensor:
        inputs, target = pair(batch)
        output = model(*inputs)
        try:
            return loss_of(loss(output, target, label_smoothing))
        except IndexError:
            explain_labels(output, target, "train")
            raise

    objective = supervised if step is None else stepped
    if autocast is None:
        return objective

    def automatic(model: nn.Module, batch: Batch) -> Tensor:
        with autocast():
            return objective(model, batch)

    return automatic


@dataclass(frozen=True, slots=True)
class Preparation:
    """Moves a batch to the device and augments its inputs. ``outputs``: classes to check labels against (None: do not)."""

    device: torch.device
    augment: Augment | None
    strength: float
    outputs: int | None
    generator: torch.Generator

    def __call__(self, batch: Batch) -> Batch:
        if self.device.type != "cpu":
            if self.outputs is not None:
                # a label out of range on a GPU would end the process's use of it
                check_labels("train", pair(batch)[1], self.outputs)
            batch = to_device(batch, self.device)
        if self.augment is None:
            return batch
        if isinstance(batch, (tuple, list)) and len(batch) >= 2:
            return (self.augment(batch[0], self.strength, self.generator), *batch[1:])
        return self.augment(batch, self.strength, self.generator)


def augmentation_generator(device: torch.device, seed: int) -> torch.Generator:
    """Return the generator that a segment's augmentation draws from."""
    return torch.Generator(device).manual_seed(derive(seed, "augmentation"))
