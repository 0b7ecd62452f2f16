"""The tree of segments as an index over its nodes: paths, children, leaves, and the best node."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from trimtab.store.records import Node


class Tree:
    """Nodes by number, in the order in which they were committed. Nodes are never changed or removed."""

    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {}
        self._children: dict[int, list[int]] = {}
        self._best: Node | None = None
        self._leaves: dict[int, Node] = {}
        self._is_leaf = np.zeros(64, dtype=bool)

    def add(self, node: Node) -> None:
        """Add a node; its parent must be there already."""
        parent = node.job.parent
        assert parent is None or parent in self._nodes, f"node {node.id} before its parent {parent}"
        self._nodes[node.id] = node
        if parent is not None:
            self._children.setdefault(parent, []).append(node.id)
            self._leaves.pop(parent, None)
            self._is_leaf[parent] = False
        if can_go_on(node):
            self._leaves[node.id] = node
        while node.id >= len(self._is_leaf):
            self._is_leaf = np.concatenate([self._is_leaf, np.zeros_like(self._is_leaf)])
        self._is_leaf[node.id] = node.id in self._leaves
        if node.checkpoint is not None and (self._best is None or node.rank < self._best.rank):
            self._best = node

    def __getitem__(self, node: int) -> Node:
        return self._nodes[node]

    def __contains__(self, node: object) -> bool:
        return node in self._nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def best(self) -> Node | None:
        """The node of lowest error that left a checkpoint and passes no limit, or passes them least; the earliest of equals."""
        return self._best

    def children(self, node: int) -> list[Node]:
        """Return the nodes that continue ``node``, in order."""
        return [self._nodes[child] for child in self._children.get(node, ())]

    def path(self, node: int) -> list[Node]:
        """Return the nodes from the root of ``node`` to ``node`` itself."""
        found = [self._nodes[node]]
        while (parent := found[-1].job.parent) is not None:
            found.append(self._nodes[parent])
        return found[::-1]

    @property
    def open(self) -> Mapping[int, Node]:
        """The leaves by number: nodes that nothing continues and that could be continued."""
        return self._leaves

    def open_but(self, others: Iterable[int]) -> np.ndarray:
        """Return the numbers of the leaves that are not among ``others``, ascending: what a study with thousands asks often."""
        left = self._is_leaf.copy()
        left[list(others)] = False
        return np.flatnonzero(left)

    def leaves(self) -> list[Node]:
        """Return the nodes that nothing continues and that could be continued: not diverged, horizon not reached."""
        return list(self._leaves.values())


def can_go_on(node: Node) -> bool:
    """Return whether a segment may continue ``node`` within its horizon."""
    return node.checkpoint is not None and math.isfinite(node.error) and node.job.index + 1 < node.job.horizon
