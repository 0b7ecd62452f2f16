"""The table a (task, optimizer), for the reader and for the JSON, and the picture of performance profiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.pilot_suite.figures import RIVALS, Book, Cell, Measure
from benchmarks.pilot_suite.recipes import Kind
from benchmarks.pilot_suite.task import Task

Row = dict[str, Any]
COLUMNS = ("best of 27", *RIVALS, "pilot", "pilot, worst start")


def rows(book: Book) -> list[Row]:
    """Return median test losses over seeds, beside what a constant prediction comes to and the seconds of a run."""
    found: list[Row] = []
    for task in book.tasks:
        data = task.data()
        constant = task.loss.constant(data.train.y, data.test.y)
        for kind in book.kinds:
            losses = {name: _median(book, measure, task, kind) for name, measure in _measures(book).items()}
            found.append({"task": task.name, "kind": task.kind, "optimizer": kind, "constant prediction": constant, **losses})
    return found


def show(found: list[Row]) -> None:
    """Print the table; the least loss of each row is bold."""
    shown = [name for name in COLUMNS if any(row[name] is not None for row in found)]
    table = Table("task", "optimizer", "constant prediction", *shown, title="test loss, medians over seeds")
    for row in found:
        known = [row[name] for name in shown if row[name] is not None]
        cells = [_cell(row[name], min(known, default=None)) for name in shown]
        table.add_row(row["task"], row["optimizer"], f"{row['constant prediction']:.4g}", *cells)
    # a narrow terminal or a pipe would fold the columns away
    Console(width=200).print(table)


def draw(ratios: Mapping[str, Mapping[Cell, float]], path: Path) -> None:
    """Write performance profiles: the share of (task, optimizer) within a factor of the best of 27. Dolan & Moré 2002."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5))
    axes = figure.subplots()
    limits = np.geomspace(0.8, 4, 200)
    for name, cells in ratios.items():
        values = np.asarray(list(cells.values()))
        shares = [(values <= limit).mean() for limit in limits]
        axes.plot(limits, shares, label=name, linewidth=3 if name == "pilot" else 1.3)
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set(
        xscale="log",
        xlabel="test loss over that of the best of 27 cosine runs",
        ylabel="share of (task, optimizer)",
        ylim=(0, 1),
    )
    axes.set_xticks([0.8, 1, 1.25, 1.5, 2, 3, 4], ["0.8", "1", "1.25", "1.5", "2", "3", "4"])
    axes.minorticks_off()
    axes.legend(loc="lower right", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, bbox_inches="tight")


def _measures(book: Book) -> dict[str, Measure]:
    def flown(task: Task, kind: Kind, seed: int) -> float | None:
        return max((book.test(run) for run in book.flights(task, kind, seed)), default=None)

    rivals: dict[str, Measure] = {name: lambda task, kind, seed, n=name: book.rival(n, task, kind, seed) for name in RIVALS}
    return {"best of 27": book.oracle, **rivals, "pilot": book.pilot, "pilot, worst start": flown}


def _median(book: Book, measure: Measure, task: Task, kind: Kind) -> float | None:
    known = [loss for seed in range(book.seeds) if (loss := measure(task, kind, seed)) is not None]
    return float(np.median(known)) if known else None


def _cell(value: float | None, least: float | None) -> str:
    if value is None:
        return ""
    return f"[bold]{value:.4g}[/bold]" if value == least else f"{value:.4g}"
