"""``trimtab list``, ``show``, ``tree`` and ``report``: what a store knows, read without writing to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.options import Json, Store, StudyName


def list_studies(store: Store, as_json: Json = False) -> None:
    """List the studies in a store."""
    from trimtab.cli.printing import answer, say
    from trimtab.cli.stores import find_store, open_study
    from trimtab.cli.summary import brief
    from trimtab.cli.views import studies_table
    from trimtab.store import list_studies as summaries

    place = find_store(store)
    opened = [open_study(place, found.study) for found in summaries(place) if found.segments or found.finished]
    if not opened and not as_json:
        say(f"{place}: no study has begun in it yet")
        return
    answer([brief(one) for one in opened], studies_table(opened), as_json=as_json)


def show(
    store: Store,
    study_name: StudyName = None,
    explain: Annotated[bool, typer.Option("--explain", help="Tell in words what was changed and what it was worth.")] = False,
    last: Annotated[int, typer.Option("--last", min=0, help="Add a table of so many latest segments.")] = 0,
    as_json: Json = False,
) -> None:
    """Show one study: its best, the budget used, the settings it came to."""
    from rich.console import Group

    from trimtab.cli.printing import answer
    from trimtab.cli.stores import open_study
    from trimtab.cli.summary import node_record, summary
    from trimtab.cli.views import study_view
    from trimtab.report import explain as sentences
    from trimtab.report.terminal import table

    opened = open_study(store, study_name)
    record, parts = summary(opened), [study_view(opened)]
    if explain:
        record["explained"] = sentences(opened.events, opened.goal)
        parts += ["", "\n".join(record["explained"])]
    if last:
        record["last"] = [node_record(account) for account in list(opened.story.accounts.values())[-last:]]
        parts += ["", table(opened.events, opened.goal, last=last)]
    answer(record, Group(*parts), as_json=as_json)


def tree(
    store: Store,
    study_name: StudyName = None,
    every: Annotated[bool, typer.Option("--all", help="Every segment, however many there are.")] = False,
    as_json: Json = False,
) -> None:
    """Draw the tree of segments: runs, forks, and the path to the best."""
    from trimtab.cli.printing import answer
    from trimtab.cli.stores import open_study
    from trimtab.cli.summary import node_record
    from trimtab.report.terminal import tree as drawing

    opened = open_study(store, study_name)
    nodes = [node_record(account) for account in opened.story.accounts.values()]
    most = max(400, len(nodes)) if every else 60
    answer(nodes, drawing(opened.events, opened.goal, title=opened.name, most=most), as_json=as_json)


def report(
    store: Store,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="The page to write.")] = Path(
        "report.html"
    ),
    study_name: StudyName = None,
    as_json: Json = False,
) -> None:
    """Write the study as one self-contained HTML page."""
    from trimtab.cli.printing import answer
    from trimtab.cli.stores import open_study
    from trimtab.report import render

    opened = open_study(store, study_name)
    text = render(opened.events, opened.goal, title=opened.name)
    write_file(output, text)
    record: dict[str, Any] = {"report": str(output), "bytes": len(text.encode())}
    answer(record, f"{output}: {record['bytes'] / 1e3:.0f} kB, one file; open it in a browser", as_json=as_json)


def write_file(path: Path, text: str) -> None:
    """Write ``text`` to ``path``; raise CommandError if it cannot be written there."""
    from trimtab.cli.mistakes import CommandError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error
