"""What is kept of a stream: the latest examples to train on again, and a few of every period to see what is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from trimtab.task.batches import Batch
from trimtab.task.nest import leaves, length, map_leaves

PERIODS = 16
"""Periods whose examples are kept to see what is forgotten; when there are more, every second one is given up."""


@dataclass(slots=True)
class Memory:
    """The last ``size`` examples of a stream, oldest first."""

    size: int
    kept: Batch | None = None

    def __len__(self) -> int:
        return 0 if self.kept is None else length(self.kept)

    def add(self, chunk: Batch) -> None:
        """Take in ``chunk``; what is too old goes."""
        joined = chunk if self.kept is None else joined_batches(self.kept, chunk)
        self.kept = map_leaves(joined, lambda tensor: tensor[-self.size :].clone())

    def draw(self, count: int, window: float, generator: torch.Generator) -> Batch:
        """Return ``count`` examples, with repetition, out of the latest ``window`` share of the memory."""
        total = len(self)
        recent = max(1, round(window * total))
        chosen = total - recent + torch.randint(recent, (count,), generator=generator)
        return taken(self.kept, chosen)


@dataclass(slots=True)
class Yardsticks:
    """Examples that were withheld from training: for each period of ``span`` chunks those, and the loss right after it."""

    most: int
    span: int = 1
    periods: list[Batch] = field(default_factory=list[Batch])
    levels: list[float] = field(default_factory=list[float])

    def add(self, withheld: Batch, index: int) -> bool:
        """Take in examples of chunk ``index``; return whether a period ended with it."""
        if not self.periods or index % self.span == 0:
            self.periods.append(withheld)
        else:
            self.periods[-1] = joined_batches(self.periods[-1], withheld)
        self.periods[-1] = map_leaves(self.periods[-1], lambda tensor: tensor[-self.most :].clone())
        return (index + 1) % self.span == 0

    def close(self, level: float) -> None:
        """Note the loss on the present period right after it; where there are too many periods, give up every second."""
        self.levels.append(level)
        if len(self.levels) > PERIODS:
            self.periods, self.levels, self.span = self.periods[1::2], self.levels[1::2], 2 * self.span


def joined_batches(one: Batch, other: Batch) -> Batch:
    """Return the examples of both, one after the other."""
    second = iter([*leaves(other)])
    return map_leaves(one, lambda tensor: torch.cat([tensor, next(second)]))


def taken(batch: Batch, chosen: Tensor) -> Batch:
    """Return the ``chosen`` examples of ``batch``."""
    return map_leaves(batch, lambda tensor: tensor[chosen])
