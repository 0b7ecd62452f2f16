"""A finished segment as named numbers, and the names of branches: what all loggers of curves share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from trimtab.store.records import Node


def scalars(node: Node) -> dict[str, float]:
    """Return what can be drawn as a curve: losses, metrics, numeric live settings, error, reward and seconds."""
    after, choice = node.after, node.job.choice
    numbers: dict[str, float] = {"train/loss": after.train_loss}
    numbers |= {f"validation/{name}": value for name, value in after.metrics.items()}
    numbers |= {f"settings/{name}": float(value) for name, value in node.job.settings.items() if not isinstance(value, str)}
    numbers |= {"study/error": node.error, "study/reward": node.reward, "study/seconds": after.seconds}
    if choice.heads:
        numbers["study/explored"] = float(sum(head.explored for head in choice.heads))
    return {name: float(value) for name, value in numbers.items()}


def finite(numbers: dict[str, float]) -> dict[str, float]:
    """Return ``numbers`` without what is not finite."""
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


@dataclass(slots=True)
class Branches:
    """Names each node's branch as nodes come in: the first child continues its parent's branch, any other one is a fork."""

    _of: dict[int, str] = field(default_factory=dict[int, str])
    _continued: set[int] = field(default_factory=set[int])

    def name(self, node: Node) -> str:
        """Return the branch of ``node``, such as "run-6" or "run-6-fork-18"."""
        parent, root = node.job.parent, node.job.root
        if parent is None:
            name = f"run-{root}"
        elif parent in self._of and parent not in self._continued:
            name = self._of[parent]
        else:  # a fork, or the first that is heard of a run that began before this logger did
            name = f"run-{root}-fork-{node.id}"
        if parent is not None:
            self._continued.add(parent)
        self._of[node.id] = name
        return name
