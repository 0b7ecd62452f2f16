"""What one held-out training is: data, net, loss and length. Everything a method may not choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.pilot_suite.losses import Loss
from benchmarks.pilot_suite.sources import Arrays


@dataclass(frozen=True, slots=True)
class Split:
    x: Tensor
    y: Tensor


@dataclass(frozen=True, slots=True)
class Data:
    """Three disjoint parts: learn from the first, steer and choose by the second, read the third once."""

    train: Split
    validation: Split
    test: Split


@dataclass(frozen=True, slots=True)
class Task:
    """One training. ``horizon``: segments, which are the calls of ``Pilot.step``; ``version`` goes up with any change."""

    name: str
    kind: str
    load: Callable[[], Arrays]
    make: Callable[[], nn.Module]
    loss: Loss
    batch_size: int
    segment_steps: int
    horizon: int
    version: int = 1

    @property
    def steps(self) -> int:
        return self.segment_steps * self.horizon

    def data(self) -> Data:
        arrays = self.load()
        parts = (Split(torch.as_tensor(x), torch.as_tensor(y)) for x, y in (arrays.train, arrays.validation, arrays.test))
        return Data(*parts)

    def build(self, seed: int) -> nn.Module:
        """Return the net with the initial weights of ``seed``; the random state outside is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make()
