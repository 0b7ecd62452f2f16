"""The figures by the names under which they are reported."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import permutations, product

import numpy as np

from benchmarks.pilot_suite import figures, recipes, speed
from benchmarks.pilot_suite.figures import RIVALS, Book, Cell, Measure, Statistic
from benchmarks.pilot_suite.recipes import Kind, Recipe
from benchmarks.pilot_suite.task import Task
from benchmarks.results import Headline

WORSE = 1.01
NAMES = {"cosine": "default cosine", "schedule-free": "Schedule-Free", "prodigy": "Prodigy", "d-adaptation": "D-Adaptation"}


def headlines(book: Book, kept: Book) -> list[Headline]:
    """Return every headline whose runs are there. ``kept``: the same book read at each run's best checkpoint."""
    return [
        *_against_oracle(book, "best of 27"),
        *_against_oracle(kept, "best of 27, all at their best checkpoints"),
        *_against_rivals(book),
        *_harm(book),
        *_failures(book),
        *_speed(book),
        *_bad_starts(book),
    ]


def against_oracle(book: Book) -> dict[str, dict[Cell, float]]:
    """Return the ratios to the best of 27 of the Pilot and of each rival, which is what the profile shows."""
    measures: dict[str, Measure] = {"pilot": book.pilot, **{method: _rival(book, method) for method in RIVALS}}
    found = {name: figures.ratios(book, measure, book.oracle) for name, measure in measures.items()}
    return {name: ratios for name, ratios in found.items() if ratios}


def _against_oracle(book: Book, name: str) -> Iterator[Headline]:
    found = figures.ratios(book, book.pilot, book.oracle)
    if found:
        yield _headline(f"median ratio to the {name}", found, figures.median, book)
        yield _headline(f"IQM of the ratio to the {name}", found, figures.middle_mean, book)
        yield _headline(f"share beating the {name}", found, figures.share_below(1.0), book, higher=True)


def _against_rivals(book: Book) -> Iterator[Headline]:
    for method in RIVALS:
        found = figures.ratios(book, book.pilot, _rival(book, method))
        if found:
            name = NAMES.get(method, method)
            yield _headline(f"share at or below {name}", found, figures.share_at_or_below(1.0), book, higher=True)
            yield _headline(f"median ratio to {name}", found, figures.median, book)


def _harm(book: Book) -> Iterator[Headline]:
    """Yield the share of single runs from a sane start that end more than 1 % worse than the user's own cosine from there.

    Beside it stands the share of that very cosine with another seed: what a change of seed alone would count as harm.
    """
    harmed: dict[Cell, list[bool]] = {}
    shaken: dict[Cell, list[bool]] = {}
    for (task, kind), rate in product(book.cells, recipes.SANE):
        own = _by_seed(book, task, recipes.cosine(kind, rate))
        mine = _by_seed(book, task, recipes.pilot(kind, rate, book.policy))
        cell = task.name, kind
        harmed.setdefault(cell, []).extend(_worse(mine[seed], own[seed]) for seed in mine if seed in own)
        shaken.setdefault(cell, []).extend(_worse(own[one], own[other]) for one, other in permutations(own, 2))
    for name, found in (("harm rate", harmed), ("harm rate of another seed", shaken)):
        shares = {cell: float(np.mean(worse)) for cell, worse in found.items() if worse}
        if shares:
            yield _headline(name, shares, lambda values: float(values.mean()), book)


def _by_seed(book: Book, task: Task, recipe: Recipe) -> dict[int, float]:
    return {seed: loss for seed in _seeds(book) if (loss := book.single(task, recipe, seed)) is not None}


def _worse(mine: float, own: float) -> bool:
    return figures.ratio(mine, own) > WORSE


def _failures(book: Book) -> Iterator[Headline]:
    runs = [run for task, kind in book.cells for seed in _seeds(book) for run in book.flights(task, kind, seed)]
    if runs:
        diverged = sum(run.diverged for run in runs)
        worse = sum(run.worse_than_start for run in runs)
        yield Headline("diverged", diverged, "all runs of a Pilot", len(runs), diverged / len(runs), seeds=book.seeds)
        yield Headline(
            "ended worse than the start", worse, "all runs of a Pilot", len(runs), worse / len(runs), seeds=book.seeds
        )


def _speed(book: Book) -> Iterator[Headline]:
    for name, measure in (("tuned AdamW", speed.tuned), ("calibrated", speed.calibrated)):
        found = _seed_medians(book, measure)
        if found:
            yield _headline(f"speed-up over {name}", found, figures.middle_mean, book, higher=True)
            yield _headline(f"median speed-up over {name}", found, figures.median, book, higher=True)


def _bad_starts(book: Book) -> Iterator[Headline]:
    """Yield the test loss from the coldest and from the hottest start over that from the best start, medians over seeds."""
    cold, hot = _starts(book, recipes.STARTS[0]), _starts(book, recipes.STARTS[-1])
    if cold:
        pooled = [*cold.values(), *hot.values()]
        yield Headline("what a bad start costs", float(np.median(pooled)), seeds=book.seeds)
        yield _headline("what a start of 1e-5 costs", cold, figures.median, book)
        yield _headline("what a start of 1 costs", hot, figures.median, book)


def _starts(book: Book, start: float) -> dict[Cell, float]:
    found: dict[Cell, float] = {}
    for task, kind in book.cells:
        tests = {rate: _over_seeds(book, task, kind, rate) for rate in recipes.STARTS}
        known = {rate: loss for rate, loss in tests.items() if loss is not None}
        if len(known) == len(tests):
            found[task.name, kind] = figures.ratio(known[start], min(known.values()))
    return found


def _over_seeds(book: Book, task: Task, kind: Kind, start: float) -> float | None:
    known = list(_by_seed(book, task, recipes.pilot(kind, start, book.policy)).values())
    return float(np.median(known)) if known else None


def _seed_medians(book: Book, measure: speed.Measured) -> dict[Cell, float]:
    found: dict[Cell, float] = {}
    for task, kind in book.cells:
        known = [value for seed in _seeds(book) if (value := measure(book, task, kind, seed)) is not None]
        if known:
            found[task.name, kind] = float(np.median(known))
    return found


def _rival(book: Book, method: str) -> Measure:
    return lambda task, kind, seed: book.rival(method, task, kind, seed)


def _seeds(book: Book) -> range:
    return range(book.seeds)


def _headline(name: str, values: Mapping[Cell, float], statistic: Statistic, book: Book, *, higher: bool = False) -> Headline:
    low, high = figures.interval(values, statistic)
    value = statistic(np.asarray(list(values.values())))
    return Headline(name, value, "", math.nan, math.nan, low, high, book.seeds, "higher" if higher else "lower")
