"""Finding a study in a store, and the task that it was begun with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.cli.mistakes import CommandError
from trimtab.store.records import BudgetExtended, Event, StudyCreated, WorkersChanged
from trimtab.task import Goal

if TYPE_CHECKING:
    from trimtab.report import Story
    from trimtab.space import Space
    from trimtab.store.protocol import Journal
    from trimtab.study.budget import Budget
    from trimtab.study.result import Result
    from trimtab.study.study import Study
    from trimtab.task import Task


@dataclass(frozen=True, slots=True)
class Opened:
    """A study that was found. ``place``: the store as a path or URL; ``story``: its events, told."""

    place: str
    name: str
    journal: Journal
    events: Sequence[Event]
    created: StudyCreated
    goal: Goal
    story: Story

    @property
    def space(self) -> Space:
        if self.story.space is None:
            raise CommandError(f"{self.place}: its space was written by a newer trimtab; use that one")
        return self.story.space

    @property
    def given(self) -> Budget:
        """The budget that it was given last, without what was added to it."""
        from trimtab.study.budget import Budget

        told = [event.budget for event in self.events if isinstance(event, BudgetExtended) and not event.added]
        amounts = [self.created.config["budget"], *told][-1]
        return Budget(**amounts)  # type: ignore[arg-type]  # amounts are stored as floats; whole ones are checked

    @property
    def workers(self) -> int:
        """How many workers it had last."""
        return next((event.workers for event in reversed(self.events) if isinstance(event, WorkersChanged)), 1)

    def result(self, task: Task[Any] | None = None) -> Result:
        """Return what came of it."""
        from trimtab.study.result import Result

        return Result(self.journal, task)


def open_study(store: str, name: str | None, *, write: bool = False) -> Opened:
    """Open the study ``name`` of ``store``, the only one if there is no name; for reading alone unless ``write``."""
    from trimtab.store import open_journal

    place = find_store(store)
    chosen = _choose(place, name)
    return read(open_journal(place, chosen, create=False, read_only=not write), place)


def read(journal: Journal, place: str) -> Opened:
    """Return the study in ``journal`` as it stands."""
    from trimtab.report.story import tell

    events = journal.read()
    created = next((event for event in events if isinstance(event, StudyCreated)), None)
    if created is None:
        raise CommandError(f"{place}: study {journal.study!r} has not begun yet")
    goal = Goal(**created.config["goal"])
    return Opened(place, journal.study, journal, events, created, goal, tell(events, goal))


def find_store(text: str) -> str:
    """Return the path or URL of the store that ``text`` means: a folder means the one database in it."""
    if "://" in text and not text.startswith("sqlite:"):
        return text
    path = Path(text.removeprefix("sqlite:///") if text.startswith("sqlite:///") else text).expanduser()
    if path.is_dir():
        found = sorted(path.glob("*.db"))
        if len(found) != 1:
            what = ", ".join(file.name for file in found) if found else "no file that ends in .db"
            raise CommandError(f"STORE: expected a store such as digits.db, got the folder {text!r} with {what}")
        return str(found[0])
    if not path.exists():
        raise CommandError(f"STORE: there is no file {text!r}{_nearby(path)}")
    return str(path)


def study_of(opened: Opened, target: str | None) -> Study:
    """Return the study that ``opened`` is, loaded from ``target`` or from where it was begun, and set to go on in its store."""
    from trimtab.cli.loading import load_study

    study = load_study(target or _source(opened, "study"))
    study.store, study.name = opened.place, opened.name
    study.budget = opened.given
    if opened.workers != study.workers:
        set_workers(study, opened.workers)
    return study


def task_of(opened: Opened, target: str | None) -> Task[Any]:
    """Return the task of ``opened``; raise CommandError if it is not the one that the study was begun with."""
    from trimtab.cli.loading import load_task

    text = target or _source(opened, "task")
    task = load_task(text)
    if task.fingerprint() != opened.created.fingerprint:
        raise CommandError(f"{text}: not the task that study {opened.name!r} was begun with; its data, model or loss differ")
    task.check(opened.space)
    return task


def set_workers(study: Study, workers: int) -> None:
    """Let ``study`` run ``workers`` segments at a time."""
    study.workers = workers
    if workers > 1:
        study.runner = "processes"


def _source(opened: Opened, what: str) -> str:
    source = opened.created.source
    if source is None:
        raise CommandError(f"{opened.place}: it is not recorded where its {what} is defined; give --task FILE.py:NAME")
    if source.endswith(".py"):
        raise CommandError(
            f"{opened.place}: study {opened.name!r} was begun by running {source}; run that again to go on, "
            f"or give --task {source}:NAME with the name of the study in it"
        )
    return source


def _choose(place: str, name: str | None) -> str:
    from trimtab.store import list_studies

    names = [summary.study for summary in list_studies(place)]
    if name is not None and name not in names:
        raise CommandError(f"--study: {place} has no study {name!r}; it has {', '.join(map(repr, names)) or 'none'}")
    if name is None and len(names) != 1:
        has = f"has {len(names)}: {', '.join(map(repr, names))}; choose one with --study NAME" if names else "has none"
        raise CommandError(f"{place}: expected one study, the store {has}")
    return name or names[0]


def _nearby(path: Path) -> str:
    """Return which stores there are in the folder in which ``path`` would be."""
    folder = path.parent
    found = sorted(file.name for file in folder.glob("*.db")) if folder.is_dir() else []
    return f"; there is {', '.join(found[:5])}" if found else ""
