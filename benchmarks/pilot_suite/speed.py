"""How many steps a tuned AdamW needs for the loss that a Pilot reaches in T, over T. VeLOdrome, Metz et al. 2022."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from benchmarks.pilot_suite import recipes
from benchmarks.pilot_suite.figures import Book
from benchmarks.pilot_suite.plan import stretched
from benchmarks.pilot_suite.recipes import LENGTHS, Kind, Recipe
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.training import Run

Measured = Callable[[Book, Task, Kind, int], float | None]


def tuned(book: Book, task: Task, kind: Kind, seed: int) -> float | None:
    """Return the speed-up over AdamW whose rate is picked by validation at each length. Only AdamW's Pilot is compared."""
    grid = [[stretched(rate, length) for rate in recipes.ORACLE_RATES["adamw"]] for length in LENGTHS]
    return _needed(book, task, kind, seed, grid)


def calibrated(book: Book, task: Task, kind: Kind, seed: int) -> float | None:
    """Return the speed-up over the calibrated configuration run at each length."""
    return _needed(book, task, kind, seed, [[recipes.calibrated(length)] for length in LENGTHS])


def _needed(book: Book, task: Task, kind: Kind, seed: int, grid: Sequence[Sequence[Recipe]]) -> float | None:
    mine = book.pilot(task, kind, seed) if kind == "adamw" else None
    losses = [_picked(book, task, seed, row) for row in grid]
    known = [loss for loss in losses if loss is not None]
    return None if mine is None or len(known) < len(losses) else crossing(mine, known)


def _picked(book: Book, task: Task, seed: int, row: Sequence[Recipe]) -> float | None:
    runs: list[Run] = [run for recipe in row if (run := book.ledger.find(task, recipe, seed)) is not None]
    return book.test(min(runs, key=lambda run: run.final_validation)) if runs else None


def crossing(mine: float, losses: Sequence[float]) -> float:
    """Return the length at which the least loss so far comes to ``mine``; between two lengths by log-log interpolation.

    Beyond the grid it is the grid's end: a speed-up of 4 means 4 or more, one of 0.5 means 0.5 or less.
    """
    least = np.minimum.accumulate(losses)
    if mine >= least[0]:
        return LENGTHS[0]
    for (short, before), (long, after) in pairwise(zip(LENGTHS, least, strict=True)):
        if mine >= after:
            part = math.log(before / mine) / math.log(before / after) if before < math.inf else 1.0
            return short * (long / short) ** part
    return LENGTHS[-1]
