"""Running a study from the command line: progress on stderr, then what came of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.cli.loading import users_code
from trimtab.cli.printing import answer, console, say
from trimtab.cli.stores import read
from trimtab.cli.summary import summary

if TYPE_CHECKING:
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
    if as_json:
        answer(summary(opened), None, as_json=True)
        return
    from trimtab.cli.views import study_view

    answer([], study_view(opened), as_json=False)
    report, replay = f"trimtab report {opened.place} -o report.html", f"trimtab replay {opened.place}"
    say("\n", ("next  ", "dim"), report, ("  or  ", "dim"), replay)


def _short(study: Study) -> str:
    """Return the store as one would type it."""
    path = Path(study.store.removeprefix("sqlite:///"))
    if "://" in str(path) or not path.is_absolute():
        return str(path)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
