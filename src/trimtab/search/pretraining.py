"""Learning the two priors of a study from trainings that came to their end: where to begin, and how runs go on.

``python -m trimtab.search.pretraining runs.jsonl --write prior.safetensors``: each line one run under settings that stood
still, {"problem": name, "settings": {...}, "before": loss, "curve": [loss after each segment]}; the curve of one that diverged
is shorter.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.search.archive import write
from trimtab.search.forecast import FEATURES, GRID, Habits, describe
from trimtab.search.portrait import shared_features
from trimtab.search.starts import NOISE, Prior

FLOOR = 1e-4
WORST = 1.6
"""Where a start that leads nowhere is placed: the best is 0, the median 1."""
PASSES, FAVOURITES = 12, 12
WITHIN = 1.2816
"""Deviations from the mean within which four in five of a normal distribution lie."""


@dataclass(frozen=True, slots=True)
class Run:
    """``errors``: log loss after each segment, ``before``: before the first; a run that diverged has fewer than others."""

    settings: Mapping[str, Any]
    before: float
    errors: tuple[float, ...]

    def lowest(self, horizon: int) -> float:
        return min(self.errors) if len(self.errors) == horizon else math.inf


Problems = Mapping[str, Sequence[Run]]


def read(lines: Iterable[str]) -> Problems:
    """Return the runs in ``lines`` by problem."""
    found: dict[str, list[Run]] = {}
    for line in lines:
        record = json.loads(line)
        before, *errors = (math.log(max(loss, FLOOR)) for loss in (record["before"], *record["curve"]) if math.isfinite(loss))
        found.setdefault(record["problem"], []).append(Run(record["settings"], before, tuple(errors)))
    return found


def learn_starts(problems: Problems) -> Prior:
    """Return the distribution of weights over ``problems``: their mean and covariance by expectation maximisation."""
    tables = [_table(runs) for runs in problems.values()]
    size = tables[0][0].shape[1]
    mean, covariance = np.zeros(size), np.eye(size)
    mean[0] = 0.8
    for _ in range(PASSES):
        sure = np.linalg.inv(covariance)
        posteriors = [_posterior(*table, mean, sure) for table in tables]
        mean = np.mean([weights for weights, _ in posteriors], axis=0)
        apart = [np.outer(weights - mean, weights - mean) + doubt for weights, doubt in posteriors]
        covariance = np.mean(apart, axis=0) + 1e-4 * np.eye(size)
    return Prior(mean, covariance, tuple(favourites(problems)))


def favourites(problems: Problems, size: int = FAVOURITES) -> list[Mapping[str, Any]]:
    """Return the settings that together are best: each makes the mean over problems of the best place so far least.

    Of those that every problem was tried with. Wistuba et al. 2015, "Sequential model-free hyperparameter tuning".
    """
    places = [dict(zip((json.dumps(run.settings) for run in runs), _table(runs)[1], strict=True)) for runs in problems.values()]
    common = [key for key in places[0] if all(key in known for known in places)]
    best, chosen = [WORST] * len(places), list[str]()
    while len(chosen) < min(size, len(common)):
        with_one_more = {
            key: sum(min(so_far, known[key]) for so_far, known in zip(best, places, strict=True))
            for key in common
            if key not in chosen
        }
        chosen.append(min(with_one_more, key=lambda key: with_one_more[key]))
        best = [min(so_far, known[chosen[-1]]) for so_far, known in zip(best, places, strict=True)]
    return [json.loads(key) for key in chosen]


def learn_habits(problems: Problems) -> Habits:
    """Return how runs go on: weights by least squares, how they differ between problems, and deviations by progress."""
    parts = [_descents(runs) for runs in problems.values()]
    rows, gains = (np.concatenate([part[column] for part in parts]) for column in (0, 1))
    mean = _least_squares(rows, gains)
    own = [_least_squares(part[0], part[1], towards=mean) for part in parts]
    covariance = np.mean([np.outer(weights - mean, weights - mean) for weights in own], axis=0) + 1e-3 * np.eye(FEATURES)
    errors: dict[int, list[float]] = {place: [] for place in range(1, GRID)}
    for index, (mine, gained, at) in enumerate(parts):
        # as a problem is met that was not learned from
        others = _least_squares(*(np.concatenate([p[column] for p in parts[:index] + parts[index + 1 :]]) for column in (0, 1)))
        for place in range(1, GRID):
            left = np.minimum(mine[at == place] @ others, 0.0) - gained[at == place]
            errors[place] += left.tolist()
    # that four in five lie within, as of a normal distribution: some runs fall off a cliff, and would widen all
    deviations = [float(np.quantile(np.abs(errors[place]), 0.8)) / WITHIN for place in range(1, GRID)]
    return Habits(mean, covariance, np.array([*deviations, deviations[-1] / 2]))


def _table(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of each start and how good it is: the best 0, the median 1."""
    horizon = max(len(run.errors) for run in runs)
    lowest = np.array([run.lowest(horizon) for run in runs])
    finite = lowest[np.isfinite(lowest)]
    span = float(np.median(finite) - finite.min())
    places = np.where(np.isfinite(lowest), (lowest - finite.min()) / span, WORST)
    return shared_features([run.settings for run in runs]), np.clip(places, 0.0, WORST)


def _posterior(features: np.ndarray, places: np.ndarray, mean: np.ndarray, sure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    doubt = np.linalg.inv(sure + features.T @ features / NOISE**2)
    return doubt @ (sure @ mean + features.T @ places / NOISE**2), doubt


def _descents(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, gains and places in the run, of every segment of every run that came to its end."""
    horizon = max(len(run.errors) for run in runs)
    rows: list[np.ndarray] = []
    gains: list[float] = []
    places: list[int] = []
    for run in runs:
        if len(run.errors) < horizon:
            continue
        for depth in range(1, horizon):
            rows.append(describe(run.before, run.errors[:depth], horizon))
            gains.append(min(run.errors) - min(run.errors[:depth]))
            places.append(round(depth * GRID / horizon))
    return np.array(rows), np.array(gains), np.array(places)


def _least_squares(rows: np.ndarray, gains: np.ndarray, towards: np.ndarray | None = None) -> np.ndarray:
    centre = np.zeros(FEATURES) if towards is None else towards
    ridge = len(rows) * 1e-5 * np.eye(FEATURES) if towards is None else 5.0 * np.eye(FEATURES)
    return centre + np.linalg.solve(rows.T @ rows + ridge, rows.T @ (gains - rows @ centre))


def main() -> None:
    """Learn both priors from the files named on the command line, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--write", type=Path, required=True)
    given = parser.parse_args()
    problems = read(line for path in given.runs for line in path.read_text(encoding="utf-8").splitlines())
    write(given.write, learn_starts(problems), learn_habits(problems), problems={n: len(r) for n, r in problems.items()})


if __name__ == "__main__":
    main()
