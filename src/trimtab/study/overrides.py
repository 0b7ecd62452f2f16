"""What a user may ask of a study while it runs, checked against its space and its tree before it is recorded."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.errors import StudyError
from trimtab.space import Float, Int, Space, Value
from trimtab.store.records import BoundChanged, BranchEnded, ForkRequested, Node, SettingFixed
from trimtab.store.tree import Tree, can_go_on


def fix(space: Space, name: str, value: Value | None) -> SettingFixed:
    """Return the request to hold the live hyperparameter ``name`` at ``value`` (None: to set it free)."""
    _check_live(space, name)
    return SettingFixed(name, None if value is None else space[name].check(name, value))


def bound(space: Space, name: str, low: float, high: float) -> BoundChanged:
    """Return the request to keep the numeric hyperparameter ``name`` in [low, high], which lies within its own bounds."""
    member = space.get(name)
    if not isinstance(member, (Float, Int)):
        numeric = [other for other, kind in space.items() if isinstance(kind, (Float, Int))]
        raise StudyError(f"bound: expected a numeric hyperparameter ({', '.join(numeric)}), got {name!r}")
    low, high = member.check(f"{name}, low", low), member.check(f"{name}, high", high)
    if low >= high:
        raise StudyError(f"bound: {name}: expected low < high, got low={low!r}, high={high!r}")
    return BoundChanged(name, low, high)


def end(tree: Tree, node: int) -> BranchEnded:
    """Return the request to end the branch at ``node`` and everything below it."""
    return BranchEnded(find_node(tree, node).id, "ended by the user", "user")


def fork(space: Space, tree: Tree, node: int, changes: Mapping[str, Value]) -> ForkRequested:
    """Return the request to continue ``node`` with ``changes`` to its settings."""
    found = find_node(tree, node)
    if found.checkpoint is None:
        raise StudyError(f"node: {node} diverged and left no checkpoint; fork the node before it, {found.job.parent}")
    if not can_go_on(found):
        raise StudyError(f"node: {node} is the last of its run ({found.job.horizon} segments); fork one before it")
    for name in changes:
        _check_live(space, name)
    return ForkRequested(node, space.check({**found.job.settings, **changes}))


def find_node(tree: Tree, node: int) -> Node:
    """Return ``node`` of ``tree``; raise StudyError if there is none."""
    if node not in tree:
        has = f"its nodes are 1 to {max(found.id for found in tree)}" if len(tree) else "it has none yet"
        raise StudyError(f"node: this study has no node {node!r}; {has}")
    return tree[node]


def _check_live(space: Space, name: str) -> None:
    if name in space and name not in space.live:
        raise StudyError(f"{name}: is set at the start of a run and cannot change in it; live are {', '.join(space.live)}")
    if name not in space:
        raise StudyError(f"{name}: not a hyperparameter of this study; expected one of {', '.join(space.live)}")
