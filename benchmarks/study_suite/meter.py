"""What a method has spent, and what it would ship: the best checkpoint that it has seen, by validation, at each mark."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from benchmarks.study_suite.problems import Problem, accuracy, mean_loss
from benchmarks.study_suite.static import Training

MARKS = (1, 3, 10, 30, 100)
"""Budgets, in whole runs, at which methods are compared."""


class BudgetUsedError(Exception):
    """A method asked for more than it has: its study is over."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """The checkpoint that a method would ship after ``mark`` whole runs: lowest validation loss of all that it has seen."""

    mark: int
    validation: float
    test: float
    accuracy: float | None
    seconds: float
    settings: dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """One study by one method. ``trace``: (cost in whole runs, validation loss) at every improvement."""

    shipped: list[Shipped] = field(default_factory=list)
    trace: list[tuple[float, float]] = field(default_factory=list)
    trainings: int = 0
    seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


class Meter:
    """Advances trainings and counts what that costs. The test split is read at the marks, of what is shipped there."""

    def __init__(self, problem: Problem, budget: float, *, marks: Sequence[int] = MARKS) -> None:
        self.problem, self.budget = problem, budget
        self.spent = 0.0
        self.outcome = Outcome()
        self._marks = [mark for mark in marks if mark <= budget]
        self._best, self._held, self._settings = math.inf, None, {}
        self._began = time.perf_counter()

    def advance(self, training: Training) -> float:
        """Train one segment and return the validation loss after it; raise BudgetUsedError where it cannot be paid."""
        cost = self.problem.segment_cost / self.problem.full_run
        if self.spent + cost > self.budget + 1e-9:
            self.finish()
            raise BudgetUsedError
        loss = training.advance()
        self.outcome.trainings += training.done == 1
        self._pass_marks(self.spent + cost)
        self.spent += cost
        if loss < self._best:
            self._best, self._settings = loss, dict(training.settings)
            self._held = {name: value.clone() for name, value in training.model.state_dict().items()}
            self.outcome.trace.append((self.spent, loss))
        return loss

    def finish(self) -> Outcome:
        """Ship what is left to be shipped, and return the outcome."""
        self._pass_marks(math.inf)
        self.outcome.seconds = time.perf_counter() - self._began
        return self.outcome

    def _pass_marks(self, after: float) -> None:
        """Ship at every mark that the next segment would lie beyond."""
        while self._marks and after > self._marks[0] + 1e-9:
            mark = self._marks.pop(0)
            if self._held is not None:
                self.outcome.shipped.append(self._ship(mark))

    def _ship(self, mark: int) -> Shipped:
        model = self.problem.build(self._settings)
        assert self._held is not None
        model.load_state_dict(self._held)
        return shipped(self.problem, model, mark, self._best, self._settings, time.perf_counter() - self._began)


def shipped(
    problem: Problem, model: nn.Module, mark: int, validation: float, settings: dict[str, Any], seconds: float
) -> Shipped:
    """Return what comes of ``model`` on the test split, which is read here and nowhere else."""
    test = problem.data().test
    return Shipped(mark, validation, mean_loss(problem, model, test), accuracy(problem, model, test), seconds, settings)
