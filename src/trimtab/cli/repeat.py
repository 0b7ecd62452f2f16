"""``trimtab replay`` and ``trimtab export``: the best schedule, trained again or taken away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.options import Json, Quiet, Store, StudyName, TaskTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from trimtab.cli.stores import Opened
    from trimtab.study.replay import Replay
    from trimtab.study.schedule import Schedule
    from trimtab.task import Task

Node = Annotated[
    int | None,
    typer.Option(
        "--node", metavar="NODE", help="The schedule that leads to this segment, not to the best.", show_default=False
    ),
]


def replay(
    store: Store,
    seeds: Annotated[int, typer.Option("--seeds", min=0, help="With how many other seeds to train it.")] = 5,
    node: Node = None,
    study_name: StudyName = None,
    task: TaskTarget = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train the best schedule again, with its own seed and with others.

    Its own seed must give the same validation metrics; if it does not, the exit code is 1. The others tell how much of the
    result is luck: other initial weights, another order of the data.
    """
    from trimtab.cli.printing import answer
    from trimtab.cli.stores import open_study, task_of
    from trimtab.study.replay import other_seeds, same

    opened = open_study(store, study_name)
    found = opened.result()
    wanted = found.best.node if node is None else node
    schedule, recorded = found.schedule_of(wanted), found.tree[wanted].after.metrics
    runs = [None, *other_seeds(schedule, seeds)]
    trained = _train(task_of(opened, task), schedule, runs, found.threads_of(wanted), quiet=quiet)
    own, others = trained[0], trained[1:]
    matches = same(own.metrics, recorded)
    record = _record(opened, wanted, recorded, own, others)
    answer(record, _view(opened, record, matches), as_json=as_json)
    if not matches:
        raise typer.Exit(1)


def export(
    store: Store,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="FILE.py: code. FILE.json: data. May be given twice; default: stdout."
        ),
    ] = None,
    node: Node = None,
    study_name: StudyName = None,
    task: TaskTarget = None,
    as_json: Json = False,
) -> None:
    """Write the best schedule as PyTorch code that runs without trimtab, or as data.

    With --json the schedule itself is printed as data. Data needs nothing but the store; code needs the task.
    """
    import sys

    from trimtab.cli.look import write_file
    from trimtab.cli.mistakes import CommandError
    from trimtab.cli.printing import answer, say, to_json
    from trimtab.cli.stores import open_study

    opened = open_study(store, study_name)
    found = opened.result()
    schedule = found.schedule if node is None else found.schedule_of(node)
    for path in output or ():
        if path.suffix not in (".py", ".json"):
            raise CommandError(f"--output: expected a file that ends in .py or .json, got {str(path)!r}")
    for path in output or ():
        write_file(path, to_json(schedule.to_record()) + "\n" if path.suffix == ".json" else _code(opened, schedule, task))
        say(("wrote ", "dim"), str(path))
    if as_json:
        answer(schedule.to_record(), None, as_json=True)
    elif not output:
        sys.stdout.write(_code(opened, schedule, task))


def _code(opened: Opened, schedule: Schedule, target: str | None) -> str:
    from trimtab.cli.mistakes import CommandError
    from trimtab.cli.stores import task_of

    task: Any = task_of(opened, target)
    if not hasattr(task, "export"):
        raise CommandError(f"{type(task).__name__} cannot be written as code; export it as data, -o schedule.json")
    return task.export(schedule.run_seed, schedule.segments)


def _train(
    task: Task[Any], schedule: Schedule, seeds: list[int | None], threads: list[int] | None, *, quiet: bool
) -> list[Replay]:
    import sys
    from functools import partial

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from trimtab.cli.loading import users_code
    from trimtab.cli.printing import console
    from trimtab.study.replay import replay as train

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("segments"),
        TimeRemainingColumn(),
    )
    screen = console(sys.stderr)
    with Progress(*columns, console=screen, disable=quiet or not sys.stderr.isatty(), transient=True) as progress:
        bar = progress.add_task("training", total=len(seeds) * len(schedule.segments))
        with users_code(None):
            told = partial(progress.advance, bar)
            return [train(task, schedule, run_seed=seed, threads=threads, told=told) for seed in seeds]


def _record(opened: Opened, node: int, recorded: Mapping[str, float], own: Replay, others: list[Replay]) -> dict[str, Any]:
    from dataclasses import asdict

    from trimtab.study.replay import same, spread

    return {
        "study": opened.name,
        "node": node,
        "metric": opened.goal.metric,
        "recorded": dict(recorded),
        "own_seed": asdict(own),
        "same": same(own.metrics, recorded),
        "other_seeds": [asdict(run) for run in others],
        "spread": {name: asdict(spread(others, name)) for name in recorded} if others else {},
    }


def _view(opened: Opened, record: dict[str, Any], matches: bool) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from trimtab.report.words import count, duration, figure

    names = [record["metric"], *(name for name in record["recorded"] if name != record["metric"])]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("seed")
    for name in (*names, "train loss", "time"):
        table.add_column(name, justify="right")
    table.add_column("")
    table.add_row("as recorded", *(figure(record["recorded"][name]) for name in names), "", "", "")
    verdict = Text("the same, to the last bit", "bold green") if matches else Text("not the same", "bold red")
    for label, run, note in (
        ("its own, again", record["own_seed"], verdict),
        *((f"other {number}", run, Text("")) for number, run in enumerate(record["other_seeds"], start=1)),
    ):
        note = Text("diverged", "red") if run["diverged"] else note
        metrics = (figure(run["metrics"].get(name)) for name in names)
        table.add_row(label, *metrics, figure(run["train_loss"]), duration(run["seconds"]), note)
    if record["spread"]:
        table.add_section()
        table.add_row("median of others", *(figure(record["spread"][name]["median"]) for name in names), style="bold")
        ranges = (f"{figure(record['spread'][name]['low'])} – {figure(record['spread'][name]['high'])}" for name in names)
        table.add_row("range of others", *ranges)
    depth = opened.story.tree[record["node"]].job.index + 1
    title = Text.assemble(("replay", "bold"), (f"  of the {count(depth, 'segment')} that lead to node {record['node']}", "dim"))
    return Group(title, "", table)
