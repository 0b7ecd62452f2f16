"""The one space that every method tunes. For those whose settings stand still it has the schedule too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.study_suite.static import SCHEDULES


@dataclass(frozen=True, slots=True)
class Number:
    """From ``low`` to ``high``; ``log``: searched on a logarithmic scale; ``whole``: integers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, position: float) -> float | int:
        """Return the value at ``position``, from 0 to 1."""
        low, high = (np.log(self.low), np.log(self.high)) if self.log else (self.low, self.high)
        value = low + (high - low) * position
        value = float(np.clip(np.exp(value) if self.log else value, self.low, self.high))
        return round(value) if self.whole else value

    def position(self, value: float) -> float:
        """Return where ``value`` stands, from 0 to 1."""
        if self.log:
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        return (value - self.low) / (self.high - self.low)


NUMBERS = {
    "lr": Number(1e-5, 1.0, log=True),
    "weight_decay": Number(1e-6, 0.3, log=True),
    "batch_size": Number(16, 256, log=True, whole=True),
    "dropout": Number(0.0, 0.6),
    "width": Number(16, 128, log=True, whole=True),
    "depth": Number(1, 4, whole=True),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("sgd", "adam", "adamw"),
    "activation": ("relu", "gelu", "tanh", "silu"),
    "schedule": SCHEDULES,
}
LIVE = ("lr", "weight_decay", "batch_size", "dropout")
"""What may change in a training without making another net of it."""

DEFAULT: dict[str, Any] = {
    "optimizer": "adamw",
    "lr": 1e-3,
    "weight_decay": 1e-2,
    "batch_size": 64,
    "dropout": 0.1,
    "width": 48,
    "depth": 2,
    "activation": "relu",
    "schedule": "cosine",
}
"""What one would take without tuning; the mark at which the normalised regret is one."""


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    """Return settings drawn at random, each number evenly on its own scale."""
    numbers = {name: number.at(rng.random()) for name, number in NUMBERS.items()}
    return {**numbers, **{name: choices[int(rng.integers(len(choices)))] for name, choices in CHOICES.items()}}


def from_unit(code: Any) -> dict[str, Any]:
    """Return settings from numbers in [0, 1], in the order of NUMBERS and CHOICES: for peers that know a unit cube."""
    found: dict[str, Any] = {name: number.at(float(x)) for (name, number), x in zip(NUMBERS.items(), code, strict=False)}
    rest = list(code)[len(NUMBERS) :]
    for (name, choices), x in zip(CHOICES.items(), rest, strict=True):
        found[name] = choices[min(len(choices) - 1, int(float(x) * len(choices)))]
    return found
