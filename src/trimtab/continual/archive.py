"""Earlier checkpoints of a champion, fewer the older they are: what a stream comes back to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MOST = 4


@dataclass(slots=True)
class Archive:
    """At most four checkpoints, ``every`` so many chunks; when there are more, every second one is given up."""

    every: int = 10
    kept: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, weights: dict[str, Any], index: int) -> None:
        """Keep a copy of ``weights`` if it is time after chunk ``index``."""
        if (index + 1) % self.every:
            return
        self.kept.append(copy.deepcopy(weights))
        if len(self.kept) > MOST:
            self.kept, self.every = self.kept[1::2], 2 * self.every

    def fittest(self, loss: Callable[[dict[str, Any]], float]) -> dict[str, Any]:
        """Return the checkpoint with the lowest ``loss``."""
        return min(self.kept, key=loss)
