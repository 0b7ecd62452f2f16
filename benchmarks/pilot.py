"""A Pilot on real trainings that it never saw, beside the best of 27 cosine runs and the peers. Resumable at any point.

By default on the tasks that are held out; by those for development (``--only``) rules and policies were chosen.

Runs that are in the results folder are not made again; what does not depend on the policy serves every policy.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.pilot_suite import costs, headlines, ledger, plan, table, work
from benchmarks.pilot_suite.digest import pilot_digest
from benchmarks.pilot_suite.figures import Book
from benchmarks.pilot_suite.ledger import Ledger
from benchmarks.pilot_suite.plan import Wanted
from benchmarks.pilot_suite.recipes import KINDS
from benchmarks.pilot_suite.sources import MissingDataError
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.tasks import HELD_OUT, TASKS
from benchmarks.results import Measured, run

QUICK_TASKS = ("weather-residual", "bananas-mlp")
QUICK_MINUTES = 2.8
OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--results", {"type": Path, "help": "folder of the results (default: in the user's cache)"}),
    ("--only", {"nargs": "+", "metavar": "TASK", "choices": tuple(TASKS), "help": "these tasks alone"}),
    ("--methods", {"nargs": "+", "choices": plan.METHODS, "default": plan.METHODS, "help": "make only these runs"}),
    ("--optimizers", {"nargs": "+", "choices": KINDS, "default": KINDS, "help": "these optimizers alone"}),
    ("--policy", {"type": Path, "help": "a policy file instead of the one that the package ships"}),
    ("--seeds", {"type": int, "default": 5, "help": "seeds of the Pilot and of the peers"}),
    ("--oracle-seeds", {"type": int, "default": 5, "help": "seeds of the 27 runs"}),
    ("--speed-seeds", {"type": int, "default": 3, "help": "seeds of the runs of other lengths"}),
    ("--minutes", {"type": float, "help": "stop making runs after so long; the figures are of what is there"}),
    ("--report", {"action": "store_true", "help": "make no runs: figures of what is there"}),
    ("--picture", {"type": Path, "help": "where to draw the performance profiles (default: in the results folder)"}),
)


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing, then show what there is."""
    tasks, absent = _available(arguments.only or (QUICK_TASKS if arguments.quick else HELD_OUT))
    wanted = _wanted(arguments, tasks)
    held = Ledger(arguments.results or ledger.default_folder())
    complete = not arguments.report and _made(arguments, wanted, held)
    book = Book(held, tasks, wanted.kinds, wanted.seeds, wanted.policy)
    found = headlines.headlines(book, replace(book, kept=True))
    if not arguments.report:
        found += costs.headlines(quick=arguments.quick)
    rows, ratios = table.rows(book), headlines.against_oracle(book)
    table.show(rows)
    if ratios:
        table.draw(ratios, arguments.picture or held.folder / "profile.png")
    details = {"tasks": rows, "ratios to the best of 27": _plain(ratios), "complete": complete, "absent": absent}
    return found, {**details, "policy": wanted.policy, "calibrated": _calibrated()}


def _wanted(arguments: argparse.Namespace, tasks: Sequence[Task]) -> Wanted:
    policy = pilot_digest(arguments.policy)
    if not policy:
        print("there is no policy file: no Pilot will fly, only its peers")
    if arguments.quick:
        methods = [method for method in arguments.methods if method != "speed"]
        return Wanted(tasks, ("adamw",), methods, seeds=3, oracle_seeds=1, speed_seeds=0, policy=policy)
    return Wanted(
        tasks, arguments.optimizers, arguments.methods, arguments.seeds, arguments.oracle_seeds, arguments.speed_seeds, policy
    )


def _made(arguments: argparse.Namespace, wanted: Wanted, held: Ledger) -> bool:
    minutes = QUICK_MINUTES if arguments.quick and arguments.minutes is None else arguments.minutes
    try:
        return work.make_missing(
            wanted,
            held,
            policy=None if arguments.policy is None else str(arguments.policy),
            seconds=None if minutes is None else 60 * minutes,
            say=functools.partial(print, flush=True),
        )
    except KeyboardInterrupt:
        print("stopped: the same command goes on from here")
        return False


def _available(names: Sequence[str]) -> tuple[list[Task], dict[str, str]]:
    """Return the tasks whose data are here, and why the others are not. No task at all is an error."""
    tasks: list[Task] = []
    absent: dict[str, str] = {}
    for name in names:
        try:
            TASKS[name].load()
        except MissingDataError as error:
            absent[name] = str(error)
            print(f"{name} is left out: {error}")
        else:
            tasks.append(TASKS[name])
    if not tasks:
        raise MissingDataError("none of the tasks has its data here: " + "; ".join(absent.values()))
    return tasks, absent


def _plain(ratios: dict[str, dict[tuple[str, Any], float]]) -> dict[str, dict[str, float]]:
    return {name: {f"{task} {kind}": value for (task, kind), value in cells.items()} for name, cells in ratios.items()}


def _calibrated() -> dict[str, float]:
    found = plan.recipes.calibrated()
    return {"rate": found.rate, "weight_decay": found.weight_decay, "warmup": found.warmup}


if __name__ == "__main__":
    run("pilot", measure, *OPTIONS)
