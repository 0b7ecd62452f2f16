"""Scores: figures of a whole split that are no mean over its examples (AUROC, macro F1, concordance)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor

from trimtab.errors import TaskError
from trimtab.task.nest import leaves, map_leaves

ScoreFunction: TypeAlias = Callable[[Any, Any], "Tensor | float"]
"""``(outputs, targets) -> number`` of all examples at once, on the CPU."""


@dataclass(slots=True)
class Gathered:
    """Outputs and targets of the batches of a split, in its order."""

    outputs: list[Any] = field(default_factory=list[Any])
    targets: list[Any] = field(default_factory=list[Any])

    def add(self, output: Any, target: Any) -> None:
        """Keep a batch."""
        for kept, batch in ((self.outputs, output), (self.targets, target)):
            kept.append(map_leaves(batch, lambda tensor: tensor.detach().cpu()))

    def values(self, scores: Mapping[str, ScoreFunction], where: str) -> dict[str, float]:
        """Return each of ``scores`` by name, NaN where it has no value.

        Raises TaskError, with the names of score and split, where it can never have one.
        """
        found = dict[str, float]()
        for name, function in scores.items():
            outputs, targets = _joined(self.outputs), _joined(self.targets)
            try:
                found[name] = float(function(outputs, targets))
            except Exception as error:
                raise TaskError(f"scores[{name!r}]: cannot be computed on the {where} split: {error}") from error
            if math.isnan(found[name]) and all(len(tensor.unique()) == 1 for tensor in leaves(targets)):
                raise TaskError(f"scores[{name!r}]: cannot be computed on the {where} split: all its targets are the same")
        return found


def _joined(batches: list[Any]) -> Any:
    columns = [torch.cat(parts) for parts in zip(*(leaves(batch) for batch in batches), strict=True)]
    rest = iter(columns)
    return map_leaves(batches[0], lambda _: next(rest))
