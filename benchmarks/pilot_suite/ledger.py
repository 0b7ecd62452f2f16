"""The results: one line of JSON a run, a file a task, added to and never changed. A run that is there is never made again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.pilot_suite.recipes import VERSIONS, Recipe
from benchmarks.pilot_suite.sources import cache_folder
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.training import Run

NUMBERS = ("start", "final_validation", "final_test", "best_validation", "test_at_best", "seconds")
CURVES = ("train", "validation", "rates")


def default_folder() -> Path:
    return cache_folder() / "pilot_results"


class Ledger:
    """Runs by (task, recipe, seed), with the versions of both. Two processes may write at once if their tasks differ."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs: dict[str, dict[str, Run]] = {}

    def find(self, task: Task, recipe: Recipe, seed: int) -> Run | None:
        return self._of(task.name).get(_key(task, recipe, seed))

    def add(self, task: Task, recipe: Recipe, seed: int, run: Run) -> None:
        """Write one line; what is half written when the machine stops is left out by the next reader."""
        runs, key = self._of(task.name), _key(task, recipe, seed)
        record = {"key": json.loads(key), "made": {"torch": torch.__version__}, "run": _plain(run)}
        path = self._path(task.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(record, allow_nan=False) + "\n")
        runs[key] = run

    def _of(self, task: str) -> dict[str, Run]:
        if task not in self._runs:
            path = self._path(task)
            lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
            self._runs[task] = dict(_read(lines))
            if lines and lines[-1]:
                # close the line that a stop cut short, or the next run would be lost with it
                with path.open("a", encoding="utf-8") as opened:
                    opened.write("\n")
        return self._runs[task]

    def _path(self, task: str) -> Path:
        return self.folder / f"{task}.jsonl"


def _key(task: Task, recipe: Recipe, seed: int) -> str:
    versions = {"task": task.name, "task_version": task.version, "version": VERSIONS[recipe.method]}
    return json.dumps({**versions, "seed": seed, **asdict(recipe)}, sort_keys=True)


def _plain(run: Run) -> dict[str, Any]:
    held = asdict(run)
    for name in NUMBERS:
        held[name] = _rounded(held[name])
    for name in CURVES:
        held[name] = [_rounded(value) for value in held[name]]
    return held


def _rounded(value: float) -> float | None:
    return float(f"{value:.7g}") if math.isfinite(value) else None


def _read(lines: Iterable[str]) -> Iterable[tuple[str, Run]]:
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        held = record["run"]
        held |= {name: _number(held[name]) for name in NUMBERS}
        held |= {name: tuple(_number(value) for value in held[name]) for name in CURVES}
        yield json.dumps(record["key"], sort_keys=True), Run(**held)


def _number(value: float | None) -> float:
    return math.inf if value is None else value
