"""Running mean and deviation of rewards, by which a DQN on rewards of an unknown size can be told to learn."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class RewardNormaliser:
    """Mean and variance by Welford's method. ``mode``: "none", "scale" or "shift-and-scale"."""

    mode: str
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, reward: float) -> None:
        """Take in one reward."""
        self.count += 1
        delta = reward - self.mean
        self.mean += delta / self.count
        self.squares += delta * (reward - self.mean)

    @property
    def shift(self) -> float:
        """What is taken off every reward."""
        return self.mean if self.mode == "shift-and-scale" else 0.0

    @property
    def scale(self) -> float:
        """What every reward is divided by: 1 until two rewards differed."""
        deviation = math.sqrt(self.squares / self.count) if self.count else 0.0
        return deviation if self.mode != "none" and deviation > 0 else 1.0
