"""What forks of a study have come to, beside what was the best before: how much there is to be won by another."""

from __future__ import annotations

import math
from collections.abc import Collection

from trimtab.store.records import Node
from trimtab.store.tree import Tree

USUAL = 0.02, 0.08
"""How far above the best a fork that begins at the root ends, before any has been seen, give or take, in units of error."""
LOST = 0.2
"""A fork that ends further above counts as this: by how much it failed says nothing of how much another may win."""
PATIENCE = 4.0
"""So many forks' worth that counts."""


class Gambles:
    """Learns from every fork how far from what was the best run before it is expected to end.

    Both figures are of a fork at the root, in units of error; they fall with the root of the rest of the run.
    """

    def __init__(self) -> None:
        self._apart: dict[int, float] = {}
        self._known = USUAL
        self._open: dict[int, tuple[int, float, float]] = {}

    @property
    def mean(self) -> float:
        """How far above the best such a fork ends on average; below 0 where forks win."""
        return self._known[0]

    @property
    def deviation(self) -> float:
        """The standard deviation of that."""
        return self._known[1]

    def add(self, node: Node, tree: Tree, end: float, unit: float) -> None:
        """Take in a node, before it is in ``tree``. ``end``: the lowest error that its run is expected to come to."""
        parent, horizon = node.job.parent, node.job.horizon
        if node.job.choice.kind == "fork" and tree.best is not None:
            self._open[node.id] = node.id, tree.best.error, math.sqrt((horizon - node.job.index) / horizon)
        elif parent in self._open:
            self._open[node.id] = self._open.pop(parent)
        if node.id in self._open:
            fork, before, scale = self._open[node.id]
            # one that was left early counts too: those that come to their end are the lucky ones
            self._apart[fork] = min((end - before) / (scale * unit), LOST)
            self._known = _known(self._apart.values())


def _known(apart: Collection[float]) -> tuple[float, float]:
    """Return mean and standard deviation of what forks have come to and of PATIENCE that came to what is usual."""
    count = PATIENCE + len(apart)
    mean = (PATIENCE * USUAL[0] + sum(apart)) / count
    squares = PATIENCE * (USUAL[0] ** 2 + USUAL[1] ** 2) + sum(each**2 for each in apart)
    return mean, math.sqrt(max(squares / count - mean**2, 1e-12))
