"""How answers are printed: as JSON on stdout, or as something that people read. Progress and errors go to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import RenderableType

PLAIN_WIDTH = 160
"""Columns where nobody's window sets a width: in a pipe or a file."""


def console(file: TextIO | None = None) -> Console:
    """Return a console on ``file`` (default: stdout) that is wide where it is no terminal."""
    target = file if file is not None else sys.stdout
    width = None if target.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(file=target, width=width, highlight=False)


def answer(record: Mapping[str, Any] | list[Any], view: RenderableType | None, *, as_json: bool) -> None:
    """Print ``record`` as JSON, or ``view`` of it."""
    if as_json:
        sys.stdout.write(to_json(record) + "\n")
    elif view is not None:
        console().print(view)


def say(*parts: str | tuple[str, str]) -> None:
    """Print one line on stderr; parts are texts, or pairs of text and style."""
    console(sys.stderr).print(Text.assemble(*parts), soft_wrap=True)


def to_json(record: Any) -> str:
    """Return ``record`` as JSON; what is not a finite number becomes null, for JSON has no word for it."""
    return json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


def complain(message: str) -> None:
    """Print an error on stderr: its first line marked, the rest as it is."""
    first, _, rest = message.partition("\n")
    say(("error: ", "bold red"), first)
    if rest:
        say((rest, "dim"))


@contextmanager
def plain_warnings() -> Generator[None]:
    """Print warnings as one line on stderr, each once, without the line of trimtab that gave them."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        text = str(message)
        if text not in seen and not issubclass(category, DeprecationWarning):
            seen.add(text)
            say(("warning: ", "bold yellow"), text)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]  # the same call, whatever its types are named
        yield


def joined(parts: Iterable[str], separator: str = " · ") -> str:
    """Return the parts that are not empty, in one line."""
    return separator.join(part for part in parts if part)
