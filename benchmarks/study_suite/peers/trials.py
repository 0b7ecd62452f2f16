"""The trials of one study by a peer: begun with seeds in order, and gone on with where more of the same is asked for."""

from __future__ import annotations

import random
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.problems import Problem
from benchmarks.study_suite.space import CHOICES, NUMBERS
from benchmarks.study_suite.static import Training


@dataclass(slots=True)
class Trial:
    """A training, and what a tuner is told after each of its segments."""

    training: Training
    losses: list[float] = field(default_factory=list)

    def copy(self) -> Trial:
        return Trial(self.training.copy(), list(self.losses))


class Trials:
    """Begins trials number 0, 1, 2, ... of a study and has the meter advance them."""

    def __init__(self, problem: Problem, meter: Meter, seed: int) -> None:
        self.problem, self.meter, self.seed = problem, meter, seed
        self.ceiling = 2 * untrained(problem)
        self._begun = 0
        self._known: dict[Hashable, Trial] = {}
        self._notes = meter.outcome.notes
        self._notes |= {"decisions": 0, "training_seconds": 0.0}

    def begin(self, settings: Mapping[str, Any]) -> Trial:
        seed = self.seed * 1000 + self._begun
        self._begun += 1
        with self._timed():
            return Trial(Training(self.problem, cleaned(settings), seed))

    def known(self, key: Hashable, settings: Mapping[str, Any]) -> Trial:
        """Return the trial of that key, begun now if there is none."""
        if key not in self._known:
            self._known[key] = self.begin(settings)
        return self._known[key]

    def loss(self, trial: Trial, segments: int) -> float:
        """Return the loss after ``segments``; what the trial has done already is not paid again.

        Surrogates cannot fit an infinite loss: anything worse than twice that of a constant prediction is told as that.
        """
        self._notes["decisions"] += 1
        with self._timed():
            while len(trial.losses) < segments:
                trial.losses.append(min(self.meter.advance(trial.training), self.ceiling))
        return trial.losses[segments - 1]

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """What a study takes besides is what its tuner takes to decide."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._notes["training_seconds"] += time.perf_counter() - began


def untrained(problem: Problem) -> float:
    """Return the validation loss of the best constant prediction."""
    data = problem.data()
    return problem.loss.constant(data.train.y, data.validation.y)


def cleaned(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the space knows of ``found`` as plain numbers within their bounds, and words."""
    settings: dict[str, Any] = {}
    for name, number in NUMBERS.items():
        value = min(max(float(found[name]), number.low), number.high)
        settings[name] = round(value) if number.whole else value
    return settings | {name: str(found[name]) for name in CHOICES}


def seed_globals(seed: int) -> None:
    """Seed the global random states, for packages that draw from them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
