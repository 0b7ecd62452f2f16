"""Red cells, white cells and platelets in 364 pictures of blood (BCCD): a single-shot detector, judged by average precision.

trimtab run examples/cells/task.py:study
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import trimtab as tt
from examples.cells.detector import Detector, detection_loss
from examples.cells.pictures import Pictures, load

HEADLINE, HORIZON, VALIDATION = "loss", 20, 42

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.1, log=True),
    batch_size=tt.Int(4, 64, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    augmentation=tt.Float(0.0, 1.0),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    width=tt.Int(8, 24, log=True, live=False),
    depth=tt.Int(1, 3, live=False),
)
DEFAULT = tt.Settings(lr=2e-3, batch_size=16, weight_decay=1e-2, augmentation=0.5, optimizer="adamw", width=16, depth=2)


def build_model(settings: tt.Settings) -> nn.Module:
    """Return the detector that the settings ask for."""
    return Detector(settings["width"], settings["depth"])


def augment(pixels: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Return ``pixels``, lighter or darker and with other colours, each by up to a fifth times ``strength``."""
    drawn = 1 + 0.2 * strength * (2 * torch.rand(len(pixels), 3, 1, 1, generator=generator) - 1)
    light = 1 + 0.2 * strength * (2 * torch.rand(len(pixels), 1, 1, 1, generator=generator) - 1)
    return (pixels * drawn * light).clamp(0, 1)


def divided(seed: int) -> tuple[Pictures, Pictures]:
    """Return 250 pictures to train on and 42 to validate, divided by ``seed``."""
    known = load("trainval")
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(seed)).tolist()
    return known.taken(order[VALIDATION:]), known.taken(order[:VALIDATION])


def load_splits(seed: int = 0) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return pixels and answers to train on (each picture and its mirror image), to validate, and of the official test."""
    learned, held = divided(seed)
    train = tuple(torch.cat([each, each.flip(3)]) for each in (learned.pixels, learned.answers()))
    # in a mirror the offset across runs the other way
    mirrored = train[1][len(learned) :]
    mirrored[:, 5] = (1 - mirrored[:, 5]) * mirrored[:, 7]
    return train, *((part.pixels, part.answers()) for part in (held, load("test")))


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: half an epoch of pictures and their mirror images a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(
        build=build_model,
        train=train,
        validation=validation,
        test=test,
        loss=detection_loss,
        augment=augment,
        segment="0.5 epochs",
        evaluation_batch=64,
    )


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "cells.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
