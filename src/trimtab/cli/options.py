"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Store = Annotated[
    str, typer.Argument(metavar="STORE", help="The study's database: a file such as digits.db, its folder, or a URL.")
]
Target = Annotated[
    str, typer.Argument(metavar="FILE.py:NAME", help="A Study in a Python file, or a function there that returns one.")
]
StudyName = Annotated[
    str | None, typer.Option("--study", metavar="NAME", help="Which study, where the store holds several.", show_default=False)
]
TaskTarget = Annotated[
    str | None,
    typer.Option("--task", metavar="FILE.py:NAME", help="Where the study is defined, if that has moved.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer on stdout as JSON, and nothing else there.")]
Workers = Annotated[
    int | None, typer.Option("--workers", "-w", min=1, help="How many segments run at a time.", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def example(*lines: str) -> str:
    """Return the closing words of a command's help."""
    return "\n".join(["[dim]Example[/dim]" if len(lines) == 1 else "[dim]Examples[/dim]", *(f"  {line}" for line in lines)])
