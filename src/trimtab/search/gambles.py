"""What forks of a study have come to, beside the runs that they were forked from: how much there is to be won by another."""

from __future__ import annotations

import math

from trimtab.store.records import Node
from trimtab.store.tree import Tree

DEVIATION = 0.08
"""How far a fork that begins at the root ends from its run, before any has been seen, in log error."""
PATIENCE = 4.0
"""So many forks' worth that counts."""


class Gambles:
    """Learns from every fork that came to its end how far forks end from the runs that they left."""

    def __init__(self) -> None:
        self._squares, self._count = PATIENCE * DEVIATION**2, PATIENCE
        self._open: dict[int, tuple[float, float]] = {}

    @property
    def deviation(self) -> float:
        """The standard deviation of a fork's end from its run's, for a fork at the root; it falls with the root of the rest."""
        return math.sqrt(self._squares / self._count)

    def add(self, node: Node, tree: Tree) -> None:
        """Take in a node that is in ``tree`` already."""
        parent = node.job.parent
        if parent is None:
            return
        if node.job.choice.kind == "fork":
            siblings = [child for child in tree.children(parent) if child.id != node.id]
            lowest = min((_lowest_below(tree, child) for child in siblings), default=math.inf)
            self._open[node.id] = lowest, (node.job.horizon - node.job.index) / node.job.horizon
        elif parent in self._open:
            self._open[node.id] = self._open.pop(parent)
        if node.id in self._open and node.job.index + 1 == node.job.horizon:
            lowest, rest = self._open.pop(node.id)
            if math.isfinite(lowest):
                reached = min(each.error for each in tree.path(node.id)[-round(rest * node.job.horizon) :])
                self._squares += (reached - lowest) ** 2 / rest
                self._count += 1.0


def _lowest_below(tree: Tree, node: Node) -> float:
    """Return the lowest error of ``node`` and all that continues it."""
    lowest, waiting = node.error, [node]
    while waiting:
        children = tree.children(waiting.pop().id)
        lowest = min([lowest, *(child.error for child in children)])
        waiting += children
    return lowest
