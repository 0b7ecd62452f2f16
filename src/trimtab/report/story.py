"""What happened in a study, told from its events: a pure view that pages, figures, terminals and sentences share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab.errors import SpaceError
from trimtab.space import Settings, Space
from trimtab.space.moves import Value
from trimtab.store.records import (
    BoundChanged,
    BranchEnded,
    BudgetExtended,
    Event,
    ForkRequested,
    Node,
    Override,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyCreated,
    StudyFinished,
)
from trimtab.store.tree import Tree
from trimtab.task import Goal


@dataclass(frozen=True, slots=True)
class Change:
    """One live hyperparameter that a segment changed: from the settings of its parent to its own."""

    name: str
    before: Value
    after: Value
    explored: bool


@dataclass(frozen=True, slots=True)
class Account:
    """One segment as it is told: where it started, what was changed, and what came of it.

    ``before``, ``after``: the goal's metric. ``error_before``: ``Goal.error`` where it started. All three are NaN if
    unknown. ``children``: the nodes that continue it. ``failures``: attempts at a segment from here that came to no end.
    """

    node: Node
    before: float
    after: float
    error_before: float
    changes: tuple[Change, ...]
    children: tuple[int, ...]
    ending: BranchEnded | None

    @property
    def id(self) -> int:
        return self.node.id

    @property
    def diverged(self) -> bool:
        return self.node.after.status == "diverged"

    @property
    def is_fork(self) -> bool:
        return self.node.job.choice.kind == "fork"


@dataclass(frozen=True, slots=True)
class Spent:
    """What the segments of a study cost, failed ones left out. ``seconds``: training and evaluation, summed over workers."""

    segments: int = 0
    epochs: float = 0.0
    examples: int = 0
    steps: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Story:
    """A study as it is told. ``accounts`` by node number, in the order of commit; ``best_path`` from the root to the best node.

    ``budget``: unit → amount, empty if the study did not name one. ``finished``: why it ended, None while it goes on.
    """

    goal: Goal
    tree: Tree
    accounts: Mapping[int, Account]
    best: Account | None
    best_path: tuple[Account, ...]
    endings: tuple[BranchEnded, ...] = ()
    failures: tuple[SegmentFailed, ...] = ()
    overrides: tuple[Override, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    space: Space | None = None
    budget: Mapping[str, float] = field(default_factory=dict[str, float])
    spent: Spent = Spent()
    finished: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The hyperparameters, in the order of the space."""
        if self.space is not None:
            return tuple(self.space)
        return tuple(dict.fromkeys(name for account in self.accounts.values() for name in account.node.job.settings))

    @property
    def roots(self) -> tuple[Account, ...]:
        return tuple(account for account in self.accounts.values() if account.node.job.parent is None)

    def path(self, node: int) -> tuple[Account, ...]:
        """Return the accounts from the root of ``node`` to ``node``."""
        return tuple(self.accounts[step.id] for step in self.tree.path(node))

    def active(self, settings: Settings) -> frozenset[str]:
        """Return the hyperparameters that have an effect under ``settings``; all of them if the space is not known."""
        if self.space is None or any(name not in settings for name in self.space):
            return frozenset(settings)
        return self.space.active(settings)


def tell(events: Sequence[Event], goal: Goal) -> Story:
    """Return the story of ``events``, which are in the order of their commit."""
    tree = Tree()
    for event in events:
        if isinstance(event, SegmentFinished):
            tree.add(event.node)
    config = next((event.config for event in events if isinstance(event, StudyCreated)), {})
    endings = tuple(event for event in events if isinstance(event, BranchEnded))
    ended = {ending.node: ending for ending in endings}
    accounts = {node.id: _account(node, tree, goal, ended.get(node.id)) for node in tree}
    best = tree.best if tree.best is not None and math.isfinite(tree.best.error) else None
    return Story(
        goal=goal,
        tree=tree,
        accounts=accounts,
        best=accounts[best.id] if best else None,
        best_path=tuple(accounts[node.id] for node in tree.path(best.id)) if best else (),
        endings=endings,
        failures=tuple(event for event in events if isinstance(event, SegmentFailed)),
        overrides=tuple(event for event in events if _is_override(event)),  # type: ignore[misc]  # narrowed by _is_override
        config=config,
        space=_space(config),
        budget=_budget(events, config),
        spent=_spent(tree),
        finished=next((event.reason for event in reversed(events) if isinstance(event, StudyFinished)), None),
    )


def metric_of(node: Node, goal: Goal) -> float:
    """Return the goal's metric at the end of ``node``; NaN if it was not measured."""
    return float(node.after.metrics.get(goal.metric, math.nan))


def _account(node: Node, tree: Tree, goal: Goal, ending: BranchEnded | None) -> Account:
    parent = tree[node.job.parent] if node.job.parent is not None else None
    before, error_before = _start(node, parent, goal)
    return Account(
        node=node,
        before=before,
        after=metric_of(node, goal),
        error_before=error_before,
        changes=_changes(node, parent),
        children=tuple(child.id for child in tree.children(node.id)),
        ending=ending,
    )


def _start(node: Node, parent: Node | None, goal: Goal) -> tuple[float, float]:
    if parent is not None:
        return metric_of(parent, goal), parent.error
    if node.before is None or goal.metric not in node.before.metrics:
        return math.nan, math.nan
    return float(node.before.metrics[goal.metric]), goal.error(node.before.metrics)


def _changes(node: Node, parent: Node | None) -> tuple[Change, ...]:
    if parent is None:
        return ()
    explored = {head.name: head.explored for head in node.job.choice.heads}
    before, after = parent.job.settings, node.job.settings
    return tuple(
        Change(name, before[name], after[name], explored.get(name, False))
        for name in after
        if name in before and before[name] != after[name]
    )


def _is_override(event: Event) -> bool:
    if isinstance(event, BranchEnded):
        return event.by == "user"
    return isinstance(event, SettingFixed | BoundChanged | BudgetExtended | ForkRequested)


def _space(config: Mapping[str, Any]) -> Space | None:
    record = config.get("space")
    if not isinstance(record, Mapping) or not record:
        return None
    try:
        return Space.from_record(record)
    except SpaceError:  # written by a version that knows other kinds: tell the story without it
        return None


def _budget(events: Sequence[Event], config: Mapping[str, Any]) -> dict[str, float]:
    budget = _amounts(config.get("budget"))
    for event in events:
        if isinstance(event, BudgetExtended):
            sums = {unit: budget.get(unit, 0.0) + amount for unit, amount in event.budget.items()}
            budget = {**budget, **sums} if event.added else _amounts(event.budget)
    return budget


def _amounts(budget: Any) -> dict[str, float]:
    if not isinstance(budget, Mapping):
        return {}
    return {str(unit): float(amount) for unit, amount in budget.items() if isinstance(amount, int | float)}


def _spent(tree: Tree) -> Spent:
    measured = [node.after for node in tree]
    return Spent(
        segments=len(measured),
        epochs=sum(after.epochs for after in measured),
        examples=sum(after.examples for after in measured),
        steps=sum(after.steps for after in measured),
        seconds=sum(after.seconds for after in measured),
    )
