"""What a study has done so far, counted event by event: what a progress display shows."""

from __future__ import annotations

import math
from dataclasses import replace

from trimtab.errors import SpaceError
from trimtab.space import Settings, Space, Value
from trimtab.store.records import (
    BranchEnded,
    BudgetExtended,
    Event,
    Node,
    SegmentFailed,
    SegmentFinished,
    StudyCreated,
    StudyFinished,
    WorkersChanged,
)
from trimtab.study.budget import Budget, Spent
from trimtab.task import Goal


class Tally:
    """A fold of events. It needs no StudyCreated: without one it knows neither goal nor budget."""

    def __init__(self) -> None:
        self.goal: Goal | None = None
        self.space: Space | None = None
        self.agent = ""
        self.workers = 1
        self.budget: Budget | None = None
        self.spent = Spent()
        self.last: Node | None = None
        self.best: Node | None = None
        self.best_errors: list[float] = []
        """The lowest error so far, after each segment that was finite."""
        self.runs = self.forks = self.diverged = self.failed = 0
        self.finished: str | None = None
        self._settings: dict[int, Settings] = {}
        self._ended: set[int] = set()

    def receive(self, event: Event) -> None:
        """Count one event."""
        match event:
            case StudyCreated():
                self._take_created(event)
            case SegmentFinished(node):
                self._take_node(node)
            case SegmentFailed():
                self.failed += 1
                # a segment that failed is paid for like any other
                self.spent = replace(self.spent, segments=self.spent.segments + 1)
            case BranchEnded(node):
                # a study that got more budget ends the same branches again
                self._ended.add(node)
            case BudgetExtended(budget, added):
                more = _budget(budget)
                self.budget = self.budget.plus(more) if added and self.budget and more else more
                self.finished = None
            case WorkersChanged(workers):
                self.workers = workers
            case StudyFinished(reason):
                self.finished = reason
            case _:
                pass

    @property
    def share(self) -> float | None:
        """The share of the budget that is used; None if the budget is not known."""
        return None if self.budget is None else self.budget.share(self.spent)

    @property
    def ended(self) -> int:
        """How many branches were ended."""
        return len(self._ended)

    @property
    def changed(self) -> dict[str, Value]:
        """What the last segment changed, with the values that were there before."""
        if self.last is None or self.last.job.parent is None:
            return {}
        before, after = self._settings.get(self.last.job.parent, Settings()), self.last.job.settings
        return {name: before[name] for name in after if name in before and before[name] != after[name]}

    def shown(self, node: Node) -> list[str]:
        """Return the names of the settings of ``node`` that have an effect, live ones first."""
        settings = node.job.settings
        if self.space is None or any(name not in settings for name in self.space):
            return list(settings)
        active, live = self.space.active(settings), self.space.live
        return [name for name in [*live, *(name for name in self.space if name not in live)] if name in active]

    def is_live(self, name: str) -> bool:
        """Return whether the hyperparameter ``name`` may change in a run."""
        return self.space is None or name in self.space.live

    def metric(self, node: Node) -> tuple[str, float]:
        """Return the name and the value of what the study improves, at ``node``."""
        if self.goal is None:
            return "error", node.error
        return self.goal.metric, node.after.metrics.get(self.goal.metric, math.nan)

    def _take_created(self, event: StudyCreated) -> None:
        config = event.config
        self.goal = Goal(**config["goal"]) if "goal" in config else None
        self.budget = _budget(config["budget"]) if "budget" in config else None
        self.agent = str(config.get("agent", ""))
        try:
            self.space = Space.from_record(config["space"]) if "space" in config else None
        except SpaceError:  # kinds of a newer version: the settings are shown as they are
            self.space = None

    def _take_node(self, node: Node) -> None:
        if node.id in self._settings:
            return
        self._settings[node.id] = node.job.settings
        self.spent = self.spent.plus(node.after, evaluations=1 + (node.before is not None))
        self.last = node
        self.runs += node.job.parent is None
        self.forks += node.job.parent is not None and node.job.choice.kind != "continue"
        self.diverged += node.after.status == "diverged"
        if node.checkpoint is not None and math.isfinite(node.error) and (self.best is None or node.rank < self.best.rank):
            self.best = node
        if self.best is not None:
            self.best_errors.append(self.best.error)


def _budget(record: dict[str, float]) -> Budget:
    return Budget(**record)  # type: ignore[arg-type]  # amounts are plain numbers, checked by Budget itself
