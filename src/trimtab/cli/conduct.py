"""Running a study from the command line: progress on stderr, then what came of it."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.cli.loading import users_code
from trimtab.cli.printing import answer, console, say
from trimtab.cli.stores import read
from trimtab.cli.summary import summary

if TYPE_CHECKING:
    from trimtab.study.audit import Audit
    from trimtab.study.study import Study


def conduct(study: Study, *, as_json: bool, quiet: bool) -> None:
    """Spend the budget of ``study`` and print where it stands then."""
    from trimtab.integrations.loggers.terminal import Terminal
    from trimtab.store import open_journal

    terminal = None if quiet else Terminal(console(sys.stderr), title=f"trimtab · {_short(study)}")
    if terminal is not None:
        study.loggers = (*study.loggers, terminal)
    try:
        with users_code(None):
            study.run()
    except KeyboardInterrupt:
        if terminal is not None:
            terminal.close()
        again = f"trimtab resume {_short(study)}"
        say(("stopped. ", "bold yellow"), "What was committed is kept; go on with: ", (again, "bold"))
        raise
    finally:
        if terminal is not None:
            terminal.close()
    opened = read(open_journal(study.store, study.name, create=False, read_only=True), _short(study))
    audited = _audited(study) if opened.story.finished and opened.story.best else None
    if as_json:
        answer({**summary(opened), **({"audit": asdict(audited)} if audited else {})}, None, as_json=True)
        return
    from trimtab.cli.views import study_view

    answer([], study_view(opened), as_json=False)
    if audited:
        say("\n", ("audit  ", "dim"), str(audited))
    report, replay = f"trimtab report {opened.place} -o report.html", f"trimtab replay {opened.place}"
    say("\n", ("next  ", "dim"), report, ("  or  ", "dim"), replay)


def _audited(study: Study) -> Audit | None:
    """Return how far the study over-fitted its validation split, None if its task has no split that could tell."""
    from trimtab.task.torch_task import TorchTask

    return study.result().audit() if isinstance(study.task, TorchTask) and "audit" in study.task.splits.sizes else None


def _short(study: Study) -> str:
    """Return the store as one would type it."""
    path = Path(study.store.removeprefix("sqlite:///"))
    if "://" in str(path) or not path.is_absolute():
        return str(path)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
