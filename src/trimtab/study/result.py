"""What came of a study: the best model, its settings and its schedule, and an account of every decision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from trimtab.errors import StudyError
from trimtab.report.aims import Aims, pareto
from trimtab.runners.processes import share_of_cores
from trimtab.space import Settings
from trimtab.store.protocol import Journal
from trimtab.store.quantities import quantity
from trimtab.store.records import Event, Node, SegmentFinished, StudyCreated, WorkersChanged
from trimtab.store.tree import Tree
from trimtab.study.audit import Audit, audit
from trimtab.study.overrides import find_node
from trimtab.study.schedule import Schedule
from trimtab.task import Goal, Task

BaselineRow: TypeAlias = tuple[str, float | None, float | None, int | None, float | None]
"""Name, validation error, test error, segments, seconds."""


@dataclass(frozen=True, slots=True)
class Best:
    """A node: its number, the settings of its last segment, its validation metrics, its error on the goal's scale.

    ``quantities``: what its model costs, for those that were asked for.
    """

    node: int
    settings: Settings
    metrics: Mapping[str, float]
    error: float
    quantities: Mapping[str, float] = field(default_factory=dict[str, float])


class Result:
    """Reads a study from its journal. ``task`` is needed to load a model, to evaluate it and to export code."""

    def __init__(self, journal: Journal, task: Task[Any] | None = None) -> None:
        self.journal = journal
        self.task = task

    @cached_property
    def events(self) -> list[Event]:
        """Every event of the study, in order."""
        return self.journal.read()

    @cached_property
    def tree(self) -> Tree:
        """All segments that came to an end."""
        tree = Tree()
        for event in self.events:
            if isinstance(event, SegmentFinished):
                tree.add(event.node)
        return tree

    @property
    def goal(self) -> Goal:
        """What the study improved."""
        if self.task is not None:
            return self.task.goal
        created = next(event for event in self.events if isinstance(event, StudyCreated))
        return Goal(**created.config["goal"])

    @property
    def best(self) -> Best:
        """The node with the lowest validation error, of those that keep to the study's limits if any does."""
        return self._described(self._best_node(), [*self.aims.limits, *self.aims.objectives])

    def best_within(self, **limits: float) -> Best:
        """Return the node with the lowest validation error whose quantities are at most ``limits``.

        Any quantity of ``Study(limits=...)`` may be named, whether or not the study was asked to keep it.
        """
        if not limits:
            raise StudyError("best_within: expected a limit such as parameters=50_000, got none")
        found = [one for one in self._all(limits) if all(one.quantities[name] <= most for name, most in limits.items())]
        if not found:
            said = ", ".join(f"{name} {most:g}" for name, most in limits.items())
            raise StudyError(f"best_within: no model of this study keeps to {said}")
        return min(found, key=lambda one: one.error)

    def front(self, *quantities: str) -> list[Best]:
        """Return the Pareto front of error and ``quantities``: the models that no other beats in all of them, best first.

        By default the quantities are the study's objectives; of a study that had none, the seconds of training.
        """
        names = quantities or self.aims.objectives or ("seconds",)
        every = self._all(names)
        return [every[index] for index in pareto([(one.error, *one.quantities.values()) for one in every])]

    @property
    def schedule(self) -> Schedule:
        """The settings along the path to the best node."""
        return self.schedule_of(self._best_node().id)

    def schedule_of(self, node: int) -> Schedule:
        """Return the settings along the path to ``node``."""
        if node not in self.tree:
            raise StudyError(f"node: this study has no node {node!r}; it has {len(self.tree)} nodes")
        return Schedule.along(self.tree.path(node))

    def threads_of(self, node: int) -> list[int] | None:
        """Return with how many threads this machine's workers train each segment on the path to ``node``.

        None where none but one worker, which has all threads, was at work.
        """
        workers, then = 1, dict[int, int]()
        for event in self.events:
            if isinstance(event, WorkersChanged):
                workers = event.workers
            elif isinstance(event, SegmentFinished):
                then[event.node.id] = workers
        path = [then[each.id] for each in self.tree.path(node)]
        return None if max(path) == 1 else [share_of_cores(each) for each in path]

    def checkpoint(self, node: int | None = None) -> bytes:
        """Return the best checkpoint, or that of ``node``, as safetensors bytes."""
        found = self._best_node() if node is None else find_node(self.tree, node)
        if found.checkpoint is None:
            raise StudyError(f"node: {node} diverged and left no checkpoint")
        return self.journal.checkpoints.read(found.checkpoint)

    def load_model(self, node: int | None = None) -> Any:
        """Return the best model, or that of ``node``, ready to use (a TorchTask: an nn.Module in eval mode)."""
        return self._with_task("load_model").load_model(self.checkpoint(node))

    def evaluate_on_test(self) -> dict[str, float]:
        """Return the metrics of the best model on the test split, which nothing before this has read."""
        task = self._with_task("evaluate")
        return dict(task.evaluate(task.decode(self.checkpoint()), "test"))

    def audit(self) -> Audit:
        """Return how far the best model over-fits the validation split, by the task's audit split, which nothing else reads."""
        task, checkpoints = self._with_task("evaluate"), self.journal.checkpoints
        self._best_node()
        kept = [node for node in self.tree if node.checkpoint is not None and checkpoints.holds(node.checkpoint)]
        # read one at a time, for together they may not fit into memory
        return audit(task, [node for node in kept if math.isfinite(node.error)], self.checkpoint)

    def export(self) -> str:
        """Return the best schedule as Python code that trains the model again without trimtab."""
        schedule = self.schedule
        return self._with_task("export").export(schedule.run_seed, schedule.segments)

    def explain(self) -> str:
        """Return in words what was done on the way to the best model and what each change was worth."""
        from trimtab.report.summary import explain

        return "\n".join(explain(self.events, self.goal))

    def plot(self, what: str = "losses", *, backend: Literal["matplotlib", "plotly"] = "matplotlib") -> Any:
        """Return a figure of the study's "losses", of the best run's "settings", of the "tree", or of the Pareto "front"."""
        from trimtab.report import figures

        drawings = {
            "losses": figures.plot_losses,
            "settings": figures.plot_settings,
            "tree": figures.plot_tree,
            "front": figures.plot_front,
        }
        if what not in drawings:
            raise StudyError(f"plot: expected one of {', '.join(map(repr, drawings))}, got {what!r}")
        return drawings[what](self.events, self.goal, backend=backend)

    def report(self, path: str | Path, *, title: str | None = None, baselines: Sequence[BaselineRow] = ()) -> None:
        """Write the study as one self-contained HTML page. ``baselines``: what it is compared with, shown at the top."""
        from trimtab.report.html import render

        page = render(self.events, self.goal, title=title or self.journal.study, baselines=baselines)
        Path(path).write_text(page, encoding="utf-8")

    def save(self, folder: str | Path, *, title: str | None = None, baselines: Sequence[BaselineRow] = ()) -> None:
        """Write best.safetensors, schedule.json, schedule.py (if the task can export it) and report.html into ``folder``."""
        to = Path(folder)
        to.mkdir(parents=True, exist_ok=True)
        (to / "best.safetensors").write_bytes(self.checkpoint())
        self.schedule.save(to / "schedule.json")
        if self.task is None or hasattr(self.task, "export"):
            (to / "schedule.py").write_text(self.export(), encoding="utf-8")
        self.report(to / "report.html", title=title, baselines=baselines)

    def _repr_html_(self) -> str:
        from trimtab.report.summary import fragment

        return fragment(self.events, self.goal)

    @cached_property
    def aims(self) -> Aims:
        """The limits and objectives of the study."""
        return Aims.of(next((event.config for event in self.events if isinstance(event, StudyCreated)), {}))

    def _all(self, names: Iterable[str]) -> list[Best]:
        self._best_node()
        return [self._described(node, names) for node in self.tree if node.checkpoint is not None]

    def _described(self, node: Node, names: Iterable[str]) -> Best:
        path = self.tree.path(node.id)
        costs = {name: quantity(name, path) for name in names}
        return Best(node.id, node.job.settings, node.after.metrics, node.error, costs)

    def _best_node(self) -> Node:
        best = self.tree.best
        if best is None:
            raise StudyError("this study has no finished segment yet")
        return best

    def _with_task(self, verb: str) -> Any:
        if self.task is None:
            raise StudyError("this result was read from a store alone; it needs the task: study.result(), or --task FILE:NAME")
        if not hasattr(self.task, verb):
            raise StudyError(f"task: {type(self.task).__name__} has no {verb!r}")
        return self.task
