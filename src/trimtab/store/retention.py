"""Which checkpoints can still be wanted. A pure rule: it deletes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from trimtab.errors import StoreError
from trimtab.store.records import Node

Keep = Literal["all", "wanted"]


def wanted(nodes: Sequence[Node], *, open_nodes: Collection[int], keep: Keep = "wanted", top: int = 10) -> frozenset[str]:
    """Return the digests of the checkpoints that must stay.

    ``keep="all"``: every one. ``keep="wanted"``: those of ``open_nodes`` (the nodes that a segment starts from or may
    start from), of every node on the path to the best one, of the ``top`` nodes of lowest error, and of the first
    segment of every run, from which the run can be led another way.
    """
    if keep not in ("all", "wanted"):
        raise StoreError(f"keep: expected 'all' or 'wanted', got {keep!r}")
    if top < 1:
        raise StoreError(f"top: expected a number of nodes of at least 1, got {top!r}")
    kept = [node for node in nodes if node.checkpoint is not None]
    by_id = {node.id: node for node in nodes}
    ids = set(by_id) if keep == "all" else _wanted_ids(kept, by_id, open_nodes, top)
    return frozenset(node.checkpoint for node in kept if node.checkpoint is not None and node.id in ids)


def _wanted_ids(kept: Sequence[Node], by_id: Mapping[int, Node], open_nodes: Collection[int], top: int) -> set[int]:
    # ties go to the older node, as everywhere else
    ranked = sorted(kept, key=lambda node: (node.rank, node.id))
    best_path = _path(ranked[0], by_id) if ranked else []
    first = [node.id for node in kept if node.job.parent is None]
    return {*open_nodes, *best_path, *(node.id for node in ranked[:top]), *first}


def _path(node: Node, by_id: Mapping[int, Node]) -> list[int]:
    path = [node.id]
    while node.job.parent is not None and node.job.parent in by_id:
        node = by_id[node.job.parent]
        path.append(node.id)
    return path
