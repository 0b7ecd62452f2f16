"""What forks of a study have come to, beside what was the best before: how much there is to be won by another."""

from __future__ import annotations

import math

from trimtab.store.records import Node
from trimtab.store.tree import Tree

USUAL = 0.02, 0.08
"""How far above the best a fork that begins at the root ends, before any has been seen, give or take, in log error."""
PATIENCE = 4.0
"""So many forks' worth that counts."""


class Gambles:
    """Learns from every fork that came to its end how far from the best run it ended.

    Both figures are of a fork at the root; they fall with the root of the rest of the run.
    """

    def __init__(self) -> None:
        mean, deviation = USUAL
        self._sum, self._squares, self._count = PATIENCE * mean, PATIENCE * (mean**2 + deviation**2), PATIENCE
        self._open: dict[int, tuple[float, float, float]] = {}

    @property
    def mean(self) -> float:
        """How far above the best such a fork ends on average; below 0 where forks win."""
        return self._sum / self._count

    @property
    def deviation(self) -> float:
        """The standard deviation of that."""
        return math.sqrt(max(self._squares / self._count - self.mean**2, 1e-12))

    def add(self, node: Node, tree: Tree) -> None:
        """Take in a node, before it is in ``tree``."""
        parent, horizon = node.job.parent, node.job.horizon
        if node.job.choice.kind == "fork" and tree.best is not None:
            self._open[node.id] = tree.best.error, node.error, (horizon - node.job.index) / horizon
        elif parent in self._open:
            before, lowest, rest = self._open.pop(parent)
            self._open[node.id] = before, min(lowest, node.error), rest
        if node.id in self._open and node.job.index + 1 == horizon:
            before, lowest, rest = self._open.pop(node.id)
            if math.isfinite(lowest):
                apart = (lowest - before) / math.sqrt(rest)
                self._sum += apart
                self._squares += apart**2
                self._count += 1.0
