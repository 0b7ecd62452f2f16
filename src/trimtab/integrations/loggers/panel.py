"""A tally as people see it: a panel for a terminal, a line for a log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trimtab.integrations.loggers.tally import Tally
from trimtab.report.words import count, figure
from trimtab.space import show
from trimtab.store.records import Node

BARS = "▁▂▃▄▅▆▇█"
LABEL = "dim"
GOOD, CHANGED, BAD = "bold green", "bold cyan", "red"


@dataclass(frozen=True, slots=True)
class Flow:
    """Pieces of text that fill lines one after the other and are never broken."""

    pieces: tuple[Text, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = Text(no_wrap=True, overflow="ellipsis")
        for piece in self.pieces:
            if line and line.cell_len + 2 + piece.cell_len > options.max_width:
                yield line
                line = Text(no_wrap=True, overflow="ellipsis")
            line.append_text(Text.assemble("  ", piece) if line else piece)
        yield line


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds: since the display began, still to come (None: unknown), and since the best was found (None: earlier sitting)."""

    elapsed: float
    left: float | None
    since_best: float | None


def panel(tally: Tally, clock: Clock, *, title: str = "trimtab") -> RenderableType:
    """Return the live display."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=LABEL, no_wrap=True)
    grid.add_column(ratio=1)
    if tally.best is not None:
        grid.add_row("best", _best(tally, tally.best, clock))
    if tally.last is not None:
        grid.add_row("last", _last(tally, tally.last))
        grid.add_row("with", Flow(tuple(_settings(tally, tally.last))))
        grid.add_row("tree", _counts(tally))
    else:
        grid.add_row("", Text("the first segment is under way", LABEL))
    heading = Text.assemble((title, "bold"), (_team(tally), LABEL))
    body = Group(_bar(tally, clock), "", grid)
    # not the whole width: the ^C that a terminal echoes behind the last line must not begin another
    frame = Panel(body, title=heading, title_align="left", border_style="dim", padding=(0, 1))
    return Padding(frame, (0, 4, 0, 0))


def line(tally: Tally, clock: Clock) -> str:
    """Return one line for a log."""
    parts = [_used(tally)]
    share = tally.share
    if share is not None:
        parts[0] += f" ({share:.0%})"
    if tally.best is not None:
        name, value = tally.metric(tally.best)
        parts.append(f"best {name} {figure(value)} (node {tally.best.id})")
    if tally.last is not None:
        parts.append(f"node {tally.last.id}: run {tally.last.job.root}, {_depth(tally.last)}, {_measured(tally, tally.last)}")
        parts.append("  ".join(piece.plain for piece in _settings(tally, tally.last)))
    if clock.left is not None and tally.finished is None:
        parts.append(f"{clock_time(clock.left)} left")
    return " | ".join(parts)


def spark(values: Sequence[float], width: int) -> str:
    """Return a curve of ``values`` in at most ``width`` characters.

    >>> spark([3.0, 2.0, 1.0], 8)
    '█▅▁'
    """
    step = max(1.0, len(values) / width)
    points = [values[min(len(values) - 1, math.ceil((index + 1) * step) - 1)] for index in range(min(width, len(values)))]
    low, high = min(points, default=0.0), max(points, default=0.0)
    if high <= low:
        return ""
    return "".join(BARS[round((point - low) / (high - low) * (len(BARS) - 1))] for point in points)


def clock_time(seconds: float) -> str:
    """Return a span of time as a clock shows it.

    >>> clock_time(75), clock_time(4000)
    ('1:15', '1:06:40')
    """
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _bar(tally: Tally, clock: Clock) -> RenderableType:
    share = tally.share
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True, justify="right")
    bar = ProgressBar(total=1.0, completed=share, finished_style="green", complete_style="green") if share is not None else ""
    times = f"{clock_time(clock.elapsed)} so far"
    if tally.finished is None and clock.left is not None:
        times += f", {clock_time(clock.left)} left"
    percent = "" if share is None else f"{share:.0%}  "
    grid.add_row(Text(_used(tally), "bold"), bar, Text.assemble(percent, (times, LABEL)))
    return grid


def _used(tally: Tally) -> str:
    """Return what is used of the budget, in the unit that is nearest to its end."""
    if tally.budget is None:
        return count(int(tally.spent.segments), "segment")
    limits = tally.budget.to_record()
    unit = max(limits, key=lambda name: getattr(tally.spent, name) / limits[name])
    return (
        f"{figure(getattr(tally.spent, unit)) if unit != 'segments' else int(tally.spent.segments)} of {limits[unit]:g} {unit}"
    )


def _best(tally: Tally, node: Node, clock: Clock) -> Text:
    name, value = tally.metric(node)
    since = "" if clock.since_best is None else f", {clock_time(clock.since_best)} ago"
    return Text.assemble(
        (f"{name} {figure(value)}", GOOD),
        (f"  node {node.id}, run {node.job.root}, {_depth(node)}{since}  ", LABEL),
        (spark(tally.best_errors, 32), "green"),
        overflow="ellipsis",
        no_wrap=True,
    )


def _last(tally: Tally, node: Node) -> Text:
    diverged = node.after.status == "diverged"
    return Text.assemble(
        (_measured(tally, node), BAD if diverged else ""),
        (f"  node {node.id}, run {node.job.root}, {_depth(node)}", LABEL),
        overflow="ellipsis",
        no_wrap=True,
    )


def _measured(tally: Tally, node: Node) -> str:
    if node.after.status == "diverged":
        return "diverged"
    name, value = tally.metric(node)
    others = [f"{other} {figure(number)}" for other, number in node.after.metrics.items() if other != name]
    return ", ".join([f"{name} {figure(value)}", *others, f"train loss {figure(node.after.train_loss)}"])


def _settings(tally: Tally, node: Node) -> list[Text]:
    """Return the settings of the last node; what it changed is marked by the value that was there before."""
    found: list[Text] = []
    for name in tally.shown(node):
        value = show(node.job.settings[name])
        if name in tally.changed:
            found.append(Text.assemble((f"{name} ", LABEL), (f"{show(tally.changed[name])} → {value}", CHANGED)))
        else:
            found.append(Text.assemble((f"{name} ", LABEL), (value, "" if tally.is_live(name) else LABEL)))
    return found


def _depth(node: Node) -> str:
    return f"segment {node.job.index + 1}/{node.job.horizon}"


def _counts(tally: Tally) -> Text:
    """Return how many there are of what there is."""
    counted = (
        (tally.runs, "run", "runs", ""),
        (tally.forks, "fork", "forks", ""),
        (tally.ended, "branch ended", "branches ended", ""),
        (tally.diverged, "diverged", "diverged", BAD),
        (tally.failed, "failed", "failed", BAD),
    )
    pieces = [Text(count(number, one, many), style) for number, one, many, style in counted if number]
    return Text("   ").join(pieces)


def _team(tally: Tally) -> str:
    parts = [tally.agent, count(tally.workers, "worker")] if tally.agent else []
    return "".join(f" · {part}" for part in parts)
