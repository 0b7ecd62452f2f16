"""What earlier studies teach a new one: their starts, how their runs went on, and what their agents' moves came to.

An experience is a store, the same as a study's own: every other study in it that has hyperparameters in common is learned from.
Which, and how much of each, is recorded with the new study, so that it can be gone on with after they have grown.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trimtab.errors import SpaceError, StoreError, StudyError
from trimtab.search.forecast import Habits
from trimtab.search.outlook import Outlook
from trimtab.search.starts import Result
from trimtab.space import Space
from trimtab.store import list_studies, open_journal
from trimtab.store.places import parse_url
from trimtab.store.protocol import Journal
from trimtab.store.records import Event, Node, SegmentFinished, StudyCreated
from trimtab.store.sql import make_tables
from trimtab.store.tree import Tree
from trimtab.task import Goal

Used = list[list[str | int]]
"""Names of studies, each with how many of its events were learned from."""
NO_CHECKPOINTS = Path(os.devnull) / "none"
"""An experience is of events alone: no file can ever be in this folder."""
APART = 10_000_000
"""Node numbers of a remembered study are moved by this, out of the way of the study that remembers it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A study that is remembered. ``events``: how many of its events ``tree`` is made of."""

    name: str
    events: int
    space: Space
    goal: Goal
    tree: Tree

    def results(self, habits: Habits) -> list[Result]:
        """Return what each of its starts came to."""
        outlook = Outlook(habits, logarithmic=self.goal.scale == "log")
        for node in self.tree:
            outlook.add(node, None if node.before is None else self.goal.error(node.before.metrics))
        return outlook.results()

    def paths(self, number: int) -> list[list[Node]]:
        """Return the path to each node, in order, with node numbers that no other study has."""
        moved = {node.id: _moved(node, -(number + 1) * APART) for node in self.tree}
        return [[moved[step.id] for step in self.tree.path(node.id)] for node in self.tree]

    def whole_runs(self) -> list[list[float]]:
        """Return the errors along each run that came to its end, from before the first step."""
        ends = [node for node in self.tree if node.job.index + 1 == node.job.horizon and math.isfinite(node.error)]
        return [
            [_before(path[0], self.goal), *(step.error for step in path)] for path in map(self.tree.path, (n.id for n in ends))
        ]


def remember(url: str | Path, space: Space, goal: Goal, *, but: Callable[[str], bool]) -> list[Memory]:
    """Return the studies at ``url`` with the same goal and a hyperparameter of ``space``, but for those named by ``but``."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not Path(str(parsed.database)).exists():
            return []
    else:
        make_tables(url)
    found = [_memory(url, summary.study, None) for summary in list_studies(url) if not but(summary.study)]
    return [memory for memory in found if memory is not None and _is_alike(memory, space, goal)]


def recall(url: str | Path, used: Used) -> list[Memory]:
    """Return the studies that were ``used`` as they were then; raise StudyError if one is there no more."""
    found: list[Memory] = []
    for name, events in used:
        lost = f"experience: {url} has lost study {name!r}, which this study was begun with"
        try:
            memory = _memory(url, str(name), int(events))
        except StoreError as error:
            raise StudyError(f"{lost} ({error})") from error
        if memory is None or memory.events < int(events):
            raise StudyError(lost)
        found.append(memory)
    return found


def check_experience(url: str | Path) -> str:
    """Return ``url`` if studies can be remembered there, else raise StudyError."""
    try:
        parse_url(url)
    except StoreError as error:
        raise StudyError(f"experience: {error}") from error
    return str(url)


def share(url: str | Path, name: str, events: Sequence[Event]) -> None:
    """Add to the store at ``url`` what it does not have yet of the ``events`` of study ``name``."""
    journal = _open(url, name)
    with journal.lock():
        known = len(journal.read())
        if known < len(events):
            journal.append(events[known:])


def _open(url: str | Path, name: str, *, create: bool = True, read_only: bool = False) -> Journal:
    server = parse_url(url).get_backend_name() != "sqlite"
    return open_journal(url, name, create=create, read_only=read_only, checkpoints=NO_CHECKPOINTS if server else None)


def _memory(url: str | Path, name: str, most: int | None) -> Memory | None:
    events = _open(url, name, create=False, read_only=True).read()[:most]
    created = next((event for event in events if isinstance(event, StudyCreated)), None)
    if created is None:
        return None
    tree = Tree()
    for event in events:
        if isinstance(event, SegmentFinished):
            tree.add(event.node)
    try:
        space = Space.from_record(created.config["space"])
    except (KeyError, SpaceError):
        return None
    return Memory(name, len(events), space, Goal(**created.config["goal"]), tree)


def _is_alike(memory: Memory, space: Space, goal: Goal) -> bool:
    same = (memory.goal.metric, memory.goal.minimise, memory.goal.scale) == (goal.metric, goal.minimise, goal.scale)
    return same and bool(set(memory.space) & set(space)) and len(memory.tree) > 0


def _moved(node: Node, by: int) -> Node:
    job = node.job
    parent = None if job.parent is None else job.parent + by
    return replace(node, job=replace(job, node=job.node + by, parent=parent, root=job.root + by))


def _before(root: Node, goal: Goal) -> float:
    return math.nan if root.before is None else goal.error(root.before.metrics)
