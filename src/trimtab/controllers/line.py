"""The core of a control study: one run, segment after segment. Events in, jobs and events out, as in ``study.core``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trimtab.controllers.prices import Prices
from trimtab.seeds import derive
from trimtab.space import Settings, Value
from trimtab.store.records import (
    BranchEnded,
    BudgetExtended,
    Choice,
    Event,
    ForkRequested,
    Job,
    Node,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyFinished,
)
from trimtab.store.tree import Tree
from trimtab.study import Budget, Spent

MAX_ATTEMPTS = 3
"""A segment that came to no end is run again, at most this often in all."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is planned: ``settings`` of each segment by its place and the number of all, ``segments`` of them in ``budget``."""

    budget: Budget
    segments: int
    settings: Callable[[int, int], Settings]
    limits: Mapping[str, float]
    seed: int


class Line:
    """One path of segments, and what is to be done next: at most one job at a time."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.tree = Tree()
        self.jobs: dict[int, Job] = {}
        self.finished: str | None = None
        self.failures: list[SegmentFailed] = []
        self.budget = course.budget
        self.spent = Spent()
        self._fixed: dict[str, Value] = {}
        self._issued = 0
        self._attempts = 0
        self._last: Node | None = None
        self._fork: ForkRequested | None = None

    def receive(self, event: Event) -> list[Event]:
        """Take in one event and return what is to be committed: the event, and what follows from it."""
        was_over = self.finished is not None
        if isinstance(event, SegmentFinished):
            event = SegmentFinished(self._added(event.node))
        elif isinstance(event, SegmentFailed):
            self._take_failed(event)
        else:
            self._take_wish(event)
        self._next()
        if self.finished is None or was_over:
            return [event]
        return [event, StudyFinished(self.finished)]

    def _added(self, node: Node) -> Node:
        excess = Prices(self.course.limits).excess(node.after.metrics)
        before = self._last.error if self._last is not None else node.error
        node = replace(node, reward=before - node.error, excess=excess)
        self.jobs.pop(node.id, None)
        self.tree.add(node)
        self.spent = self.spent.plus(node.after)
        self._attempts = 0
        if node.checkpoint is None:
            self.finished = "the agents' values are no longer finite; go on from an earlier segment with a lower rate"
        else:
            self._last = node
        return node

    def _take_failed(self, event: SegmentFailed) -> None:
        self.failures.append(event)
        self._attempts += 1
        if event.cause == "error" or self._attempts == MAX_ATTEMPTS:
            self.jobs.pop(event.job.node, None)
            self.finished = f"a segment failed: {event.message}"

    def _take_wish(self, event: Event) -> None:
        match event:
            case SettingFixed(name, None):
                self._fixed.pop(name, None)
            case SettingFixed(name, value):
                assert value is not None
                self._fixed[name] = value
            case BudgetExtended(budget, added):
                more = Budget(**budget)  # type: ignore[arg-type]
                self.budget = self.budget.plus(more) if added else more
                self.finished = None
            case ForkRequested():
                self._fork, self.finished = event, None
            case BranchEnded(by="user"):
                self.finished = "ended by the user"
            case _:
                pass

    def _next(self) -> None:
        if self.jobs or self.finished is not None:
            return
        if self._fork is None and self.budget.segments_left(self.spent) <= 0:
            self.finished = f"the budget of {self.budget} is used"
            return
        self._issued += 1
        self.jobs[self._issued] = self._job()

    def _job(self) -> Job:
        parent, fork = self._last, self._fork
        if fork is not None:
            parent, self._fork = self.tree[fork.node], None
        index = 0 if parent is None else parent.job.index + 1
        horizon = max(self.course.segments, index + 1)
        settings = self.course.settings(index, self.course.segments) if fork is None else fork.settings
        run_seed = derive(self.course.seed, "run", 0)
        kind, reason = ("start", "the agents begin") if parent is None else ("continue", "the agents go on")
        if fork is not None:
            kind, reason = "user", "settings that the user chose"
        return Job(
            node=self._issued,
            parent=None if parent is None else parent.id,
            root=1 if parent is None else parent.job.root,
            checkpoint=None if parent is None else parent.checkpoint,
            settings=Settings({**settings, **self._fixed}),
            index=index,
            horizon=horizon,
            run_seed=run_seed,
            seed=derive(run_seed, index),
            choice=Choice(kind, reason),
        )
