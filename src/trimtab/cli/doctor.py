"""``trimtab doctor``: whether this machine, this folder and this task are fit for a study."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.options import Json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trimtab.study.checkup import Finding

EXTRAS = {"plot": ("matplotlib", "plotly"), "tensorboard": ("tensorboard",), "wandb": ("wandb",)}
"""What is optional: the extra's name, and the modules that it brings."""
LIBRARIES = ("torch", "gymnasium", "optuna", "sqlalchemy", "numpy")
LITTLE_DISK = 2e9
SLOW_SYNC = 0.05
MARKS = {"good": ("✓", "green"), "note": ("!", "yellow"), "bad": ("✗", "bold red")}


def doctor(
    target: Annotated[
        str | None, typer.Argument(metavar="[FILE.py:NAME]", help="A study to look at too.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Check this machine, this folder and, if one is named, a study.

    The study's model is built, measured on validation data and put into a checkpoint; nothing is trained. The exit code is 1 if
    something will not work.
    """
    from dataclasses import asdict

    from trimtab.cli.printing import answer

    found = [*_versions(), *_machine(), *_folder(), *_extras()]
    if target is not None:
        found += _study(target)
    answer([asdict(one) for one in found], _view(found), as_json=as_json)
    if any(one.state == "bad" for one in found):
        raise typer.Exit(1)


def _versions() -> list[Finding]:
    from trimtab import __version__
    from trimtab.study.checkup import Finding

    libraries = ", ".join(f"{name} {_installed(name)}" for name in LIBRARIES)
    return [
        Finding("trimtab", "good", f"{__version__}, Python {platform.python_version()} on {platform.system()}"),
        Finding("libraries", "good", libraries),
    ]


def _machine() -> list[Finding]:
    from trimtab.study.checkup import Finding
    from trimtab.task.options import resolve_device

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    device = resolve_device(None).type
    text = f"{device}, {cores} cores"
    advice = f"small models train fastest with one worker a core: --workers {cores}" if device == "cpu" and cores > 1 else ""
    return [Finding("device", "good", text, advice)]


def _folder() -> list[Finding]:
    from trimtab.study.checkup import Finding

    here = Path.cwd()
    free = shutil.disk_usage(here).free
    disk = Finding("disk", "good", f"{free / 1e9:.3g} GB free in {here}")
    if free < LITTLE_DISK:
        disk = Finding("disk", "note", disk.text, "checkpoints may fill it; give --store a place with more room")
    try:
        with tempfile.TemporaryDirectory(prefix=".trimtab-doctor-", dir=here) as folder:
            return [disk, _sync(Path(folder)), _store(Path(folder))]
    except OSError as error:
        return [disk, Finding("folder", "bad", f"{here} cannot be written to: {error.strerror}", "run from another folder")]


def _sync(folder: Path) -> Finding:
    """Return how long it takes until a small file is safely on the disk: a study does so once a segment."""
    from trimtab.study.checkup import Finding

    def write() -> None:
        with (folder / "probe").open("wb") as file:
            file.write(b"x" * 65_536)
            file.flush()
            os.fsync(file.fileno())

    seconds = median(_timed(write) for _ in range(7))
    text = f"{seconds * 1e3:.2g} ms until 64 kB are safely on the disk"
    slow = "a segment waits for the disk: use a local disk, or longer segments" if seconds > SLOW_SYNC else ""
    return Finding("fsync", "note" if slow else "good", text, slow)


def _store(folder: Path) -> Finding:
    from trimtab.errors import StoreError
    from trimtab.store import open_journal
    from trimtab.store.records import StudyFinished
    from trimtab.study.checkup import Finding

    try:
        journal = open_journal(folder / "probe.db", "probe")
        with journal.lock():
            seconds = median(_timed(lambda: journal.append([StudyFinished("a probe")])) for _ in range(7))
            kept = len(journal.read())
        journal.close()
    except StoreError as error:
        return Finding("store", "bad", str(error), "give --store a place on a local disk")
    return Finding("store", "good" if kept == 7 else "bad", f"SQLite, {seconds * 1e3:.2g} ms a commit")


def _extras() -> list[Finding]:
    from trimtab.study.checkup import Finding

    found: list[Finding] = []
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        if missing:
            found.append(Finding(extra, "note", f"{', '.join(missing)} not installed", f"pip install 'trimtab[{extra}]'"))
        else:
            found.append(Finding(extra, "good", ", ".join(f"{name} {_installed(name)}" for name in modules)))
    return found


def _study(target: str) -> list[Finding]:
    from trimtab.cli.loading import load_study, parse_target, users_code
    from trimtab.study.checkup import Finding, check_up

    study = load_study(target)
    with users_code(parse_target(target).file):
        found = check_up(study)
    room = Finding("study", "good", f"{study.name!r}: {study.budget}, runs of {study.horizon}, {study.agent} in {study.store}")
    return [room, *found]


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _view(found: Sequence[Finding]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for one in found:
        mark, style = MARKS[one.state]
        text = Text(one.text)
        if one.advice:
            text.append(f"\n{one.advice}", "dim")
        table.add_row(Text(mark, style), one.name, text)
    return table
