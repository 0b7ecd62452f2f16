"""Summaries as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trimtab.cli.stores import Opened
from trimtab.cli.summary import share, summary
from trimtab.report.words import count, duration, figure
from trimtab.space import show

LABEL, GOOD, BAD = "dim", "bold green", "red"


def study_view(opened: Opened) -> RenderableType:
    """Return a study on one screen: its best, what it cost, its settings from start to best."""
    record = summary(opened)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style=LABEL, no_wrap=True)
    facts.add_column()
    facts.add_row("best", _best(opened))
    facts.add_row("spent", _spent(opened))
    facts.add_row("tree", _tree(record))
    facts.add_row("agents", f"{record['agent']}, {count(record['workers'], 'worker')}, seed {record['seed']}")
    if record["overrides"]:
        facts.add_row("asked", Text("\n".join(record["overrides"])))
    if record["last_failure"]:
        facts.add_row("failure", Text(record["last_failure"], BAD))
    if record["source"]:
        facts.add_row("from", record["source"])
    facts.add_row("status", _status(opened))
    title = Text.assemble((opened.name, "bold"), (f"  in {opened.place}", LABEL))
    parts: list[RenderableType] = [title, "", facts]
    if opened.story.best is not None:
        parts += ["", settings_table(opened)]
    return Group(*parts)


def settings_table(opened: Opened) -> Table:
    """Return the settings of the best run: at its start, at its best, and how often they were changed on the way."""
    story = opened.story
    assert story.best is not None
    first, best = story.best_path[0].node.job.settings, story.best.node.job.settings
    active = story.active(best) | story.active(first)
    table = Table(box=None, header_style=LABEL, pad_edge=False, padding=(0, 3, 0, 0))
    for name, justify in (("setting", "left"), ("start", "right"), ("best", "right"), ("changes", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich's literal
    table.add_column("moved by", style=LABEL)
    for name in (name for name in story.names if name in best and name in active):
        changed = sum(change.name == name for account in story.best_path for change in account.changes)
        live = story.space is None or name in story.space.live
        style = "bold" if changed else ""
        mover = ("its agent" if changed else "") if live else "set at the start"
        table.add_row(name, show(first[name]), Text(show(best[name]), style), str(changed) if live else "", mover)
    return table


def studies_table(opened: Sequence[Opened]) -> Table:
    """Return one row a study."""
    table = Table(box=None, header_style=LABEL, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("study", "best", "spent", "runs", "agent", "status"):
        table.add_column(name, no_wrap=True)
    for one in opened:
        record = summary(one)
        best = "–" if one.story.best is None else f"{one.goal.metric} {figure(one.story.best.after)}"
        table.add_row(
            Text(one.name, "bold"),
            Text(best, GOOD),
            _spent(one),
            str(record["runs"]),
            record["agent"],
            _status(one, short=True),
        )
    return table


def metrics_text(metrics: Mapping[str, float], first: str) -> str:
    """Return metrics in a line, ``first`` before the others."""
    names = [first, *(name for name in metrics if name != first)] if first in metrics else list(metrics)
    return "  ".join(f"{name} {figure(metrics[name])}" for name in names)


def _best(opened: Opened) -> Text:
    best = opened.story.best
    if best is None:
        return Text("no segment came to a finite result yet", BAD)
    metrics, first = best.node.after.metrics, opened.goal.metric
    others = {name: value for name, value in metrics.items() if name != first}
    job = best.node.job
    where = f"node {best.id}, run {job.root}, segment {job.index + 1} of {job.horizon}"
    return Text.assemble((f"{first} {figure(metrics[first])}", GOOD), f"  {metrics_text(others, '')}", (f"  {where}", LABEL))


def _spent(opened: Opened) -> str:
    used, limits = summary(opened)["spent"], opened.story.budget
    unit = next(iter(limits), "segments")
    amount = used.get(unit, 0)
    of = f" of {limits[unit]:g}" if unit in limits else ""
    return f"{figure(amount) if unit != 'segments' else amount}{of} {unit}, {duration(used['seconds'])}"


def _tree(record: dict[str, Any]) -> Text:
    found = Text(f"{count(record['runs'], 'run')}, {count(record['forks'], 'fork')}, {record['ended']} ended")
    for name in ("diverged", "failed"):
        if record[name]:
            found.append(f", {record[name]} {name}", BAD)
    return found


def _status(opened: Opened, *, short: bool = False) -> Text:
    if opened.story.finished:
        return Text("finished" if short else f"finished: {opened.story.finished}")
    used = share(opened)
    percent = f", {used:.0%} used" if used == used else ""  # NaN: no budget is known
    return Text(
        f"not finished{percent}" + ("" if short else f"; if no process runs it, go on with: trimtab resume {opened.place}"),
        "yellow",
    )


def show_settings(settings: Mapping[str, Any]) -> str:
    """Return settings in a line."""
    return ", ".join(f"{name} {show(value)}" for name, value in settings.items())
