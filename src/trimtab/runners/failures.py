"""What went wrong in a segment, as an event: the user's code is caught here and nowhere else."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Literal

from trimtab.errors import CheckpointError, StoreError, TrimtabError
from trimtab.store.records import Job, SegmentFailed

_MACHINERY = {str(Path(__file__).with_name(name)) for name in ("execute.py", "inline.py", "worker.py")}
_FRAMES = 6
_LENGTH = 8_000
"""Characters kept of a message: a user's exception may print a whole tensor."""


def failed(job: Job, error: BaseException) -> SegmentFailed:
    """Return how ``job`` failed: "error" if it would fail again, "lost" if memory or the disk gave out under it."""
    return SegmentFailed(job, _cause(error), shorten(_message(error)))


def shorten(message: str) -> str:
    """Return ``message`` without its middle if it is too long to keep."""
    return message if len(message) <= _LENGTH else f"{message[: _LENGTH // 2]}\n…\n{message[-_LENGTH // 2 :]}"


def _cause(error: BaseException) -> Literal["error", "lost"]:
    unstored = isinstance(error, StoreError) and not isinstance(error, CheckpointError)
    return "lost" if unstored or _is_out_of_memory(error) else "error"


def _is_out_of_memory(error: BaseException) -> bool:
    # torch.OutOfMemoryError by name, so that a task without torch need not import it; on the CPU torch raises RuntimeError
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"MemoryError", "OutOfMemoryError"}) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error).lower())
    )


def _message(error: BaseException) -> str:
    summary = "".join(traceback.format_exception_only(error)).strip()
    # trimtab's own errors say all there is to say; others need the place in the user's code
    frames = [] if isinstance(error, TrimtabError) else _user_frames(error)
    return "\n".join([summary, *("".join(traceback.format_list(frames)).rstrip().splitlines())])


def _user_frames(error: BaseException) -> traceback.StackSummary:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename not in _MACHINERY]
    return traceback.StackSummary.from_list(frames[-_FRAMES:])
