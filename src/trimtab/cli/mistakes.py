"""What went wrong, as the command line says it: one message on stderr and an exit code, no traceback."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path

from trimtab.errors import AgentError, BudgetError, ControlError, SpaceError, StudyError, TaskError, TrimtabError

FAILED = 1
"""What was asked for is possible and did not work out."""
MISTAKE = 2
"""What was asked for cannot be done as it was asked."""

_MISTAKES = (SpaceError, TaskError, AgentError, BudgetError, StudyError, ControlError)


class CommandError(TrimtabError):
    """A command that cannot be carried out as it was given."""


class UserCodeError(CommandError):
    """The user's file raised while it was loaded or while what it defines was called."""


def exit_code(error: TrimtabError) -> int:
    """Return the exit code for ``error``."""
    return MISTAKE if isinstance(error, (CommandError, *_MISTAKES)) else FAILED


def blame(error: BaseException, file: Path) -> str:
    """Return what ``error`` says and the line of ``file`` that it came from, as an editor or a person can find it."""
    said = str(error) if isinstance(error, TrimtabError) else f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{type(error).__name__}: {error.msg}\n  {error.filename}:{error.lineno}: {(error.text or '').strip()}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    if not frames:
        return said
    linecache.checkcache(str(file))
    line = linecache.getline(str(file), frames[-1].lineno or 0).strip()
    return f"{said}\n  {file}:{frames[-1].lineno}: {line}"
