"""``trimtab init``: a task file that works, for the user's kind of data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template
from typing import Annotated, Literal

import typer

from trimtab.cli.options import Json

Kind = Literal["table", "arrays", "images", "text"]

WANTED = {
    "table": "a CSV file, one row an example",
    "arrays": "an .npz file with arrays x and y",
    "images": "a folder with a folder of pictures for each class",
    "text": "a file with a line an example: label, tab, text",
}


def init(
    kind: Annotated[Kind, typer.Argument(help="What the data are: " + "; ".join(f"{k}: {v}" for k, v in WANTED.items()) + ".")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Where the data are.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")] = Path("task.py"),
    target: Annotated[str, typer.Option("--target", help="Of a table: the column to predict (default: the last).")] = "",
    as_json: Json = False,
) -> None:
    """Write a task file for your data: read, divided, a model, a space and a study. Change it as you like."""
    from trimtab.cli.printing import answer
    from trimtab.errors import DataError, StudyError

    if (kind == "images" and not data.is_dir()) or (kind != "images" and not data.is_file()):
        raise DataError(f"DATA: expected {WANTED[kind]}, got {str(data)!r}, which is not there")
    if target and kind != "table":
        raise StudyError(f"--target: expected it with a table alone, got it with {kind}")
    if output.exists():
        raise StudyError(f"-o: {output} is there already; remove it, or name another file")
    parts = resources.files("trimtab.cli") / "templates"
    text = "\n\n".join((parts / f"{part}.txt").read_text(encoding="utf-8").rstrip("\n") for part in (kind, "tail"))
    head = (parts / "head.txt").read_text(encoding="utf-8")
    told = {"data": data, "kind": kind, "file": output, "store": f"{output.stem}.db", "name": output.stem}
    written = Template(head + text + "\n").substitute(told, data_text=repr(str(data)), target_text=repr(target))
    output.write_text(written, encoding="utf-8")
    command = f"trimtab run {output}:study"
    answer({"file": str(output), "command": command}, f"{output} is written; look at it, then: {command}", as_json=as_json)
