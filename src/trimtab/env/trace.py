"""A trace: one run as it stands, from before its first step to its last segment. The input of observations and rewards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.space import Settings
from trimtab.task import Goal, Measurement

DIVERGENCE_PENALTY = math.log(10.0)
"""A divergence counts as an error ten times that of the start: it has to hurt, or an agent learns to use it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of a run: the settings it was trained under and what it came to."""

    settings: Settings
    after: Measurement


@dataclass(frozen=True, slots=True)
class Trace:
    """One run. ``before``: its measurement before the first step. ``start``: the settings it was proposed with.

    ``horizon``: segments that a whole run has.
    """

    start: Settings
    before: Measurement
    steps: tuple[Step, ...]
    horizon: int

    @property
    def settings(self) -> Settings:
        return self.steps[-1].settings if self.steps else self.start

    @property
    def progress(self) -> float:
        return len(self.steps) / self.horizon

    def extended(self, settings: Settings, after: Measurement) -> Trace:
        """Return the trace with one more segment."""
        return Trace(self.start, self.before, (*self.steps, Step(settings, after)), self.horizon)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands: its ``error`` (``Goal.error``, finite), its ``best`` so far, its last measurement, seconds spent."""

    error: float
    best: float
    measurement: Measurement
    seconds: float


def standings(trace: Trace, goal: Goal) -> list[Standing]:
    """Return where the run stood before its first segment and after each, length segments + 1."""
    first = finite_error(goal, trace.before, start=0.0)
    found = [Standing(first, first, trace.before, trace.before.seconds)]
    for step in trace.steps:
        error = finite_error(goal, step.after, start=first)
        last = found[-1]
        found.append(Standing(error, min(last.best, error), step.after, last.seconds + step.after.seconds))
    return found


def finite_error(goal: Goal, measurement: Measurement, *, start: float) -> float:
    """Return the goal's error; ``start`` plus the divergence penalty where it is not finite."""
    error = math.inf if measurement.status == "diverged" else goal.error(measurement.metrics)
    return error if math.isfinite(error) else start + DIVERGENCE_PENALTY


def errors(found: Sequence[Standing]) -> list[float]:
    """Return the error of each standing."""
    return [standing.error for standing in found]
