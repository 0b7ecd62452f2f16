"""Training a schedule again: with its own seed, which must give the same result, and with others, to tell luck from merit."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from trimtab.seeds import derive
from trimtab.study.schedule import Schedule
from trimtab.task import Segment, Task

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Replay:
    """One run of a schedule. ``metrics``: on the validation split after its last segment, number ``segments``."""

    run_seed: int
    metrics: Mapping[str, float]
    train_loss: float
    segments: int
    seconds: float
    diverged: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over several runs; runs in which it is not finite are left out of it and counted in ``lost``."""

    median: float
    low: float
    high: float
    lost: int


def replay(
    task: Task[Any],
    schedule: Schedule,
    *,
    run_seed: int | None = None,
    threads: Sequence[int] | None = None,
    told: Callable[[], None] = lambda: None,
) -> Replay:
    """Train ``schedule`` once, from other initial weights and in another order of the data if ``run_seed`` says so.

    ``threads``: with how many each segment was trained; sums over another number of them round otherwise. ``told`` is called
    after every segment. A run that diverges ends there.
    """
    return train_again(task, schedule, run_seed=run_seed, threads=threads, told=told)[1]


def train_again(
    task: Task[State],
    schedule: Schedule,
    *,
    run_seed: int | None = None,
    threads: Sequence[int] | None = None,
    told: Callable[[], None] = lambda: None,
) -> tuple[State, Replay]:
    """Return what ``replay`` does, and before it the training as it then stands."""
    seed = schedule.run_seed if run_seed is None else run_seed
    state = task.start(schedule.segments[0].settings, seed=seed)
    after = task.measure(state)
    done, seconds = 0, 0.0
    for index, segment in enumerate(schedule.segments):
        again = segment if run_seed is None else _reseeded(segment, seed)
        with _threads(None if threads is None else threads[index]):
            after = task.advance(state, again)
        done, seconds = done + 1, seconds + after.seconds
        told()
        if after.status == "diverged":
            break
    return state, Replay(seed, dict(after.metrics), after.train_loss, done, seconds, after.status == "diverged")


def other_seeds(schedule: Schedule, count: int) -> list[int]:
    """Return ``count`` run seeds that are not the schedule's own, always the same ones."""
    return [derive(schedule.run_seed, "replay", number) for number in range(count)]


def spread(runs: Sequence[Replay], metric: str) -> Spread:
    """Return the median and the range of ``metric`` over ``runs``."""
    values = [run.metrics.get(metric, math.nan) for run in runs]
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Spread(math.nan, math.nan, math.nan, len(values))
    return Spread(statistics.median(finite), min(finite), max(finite), len(values) - len(finite))


def same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Return whether two sets of metrics are equal to the last bit; a metric that is NaN in both is equal."""
    return one.keys() == other.keys() and all(
        one[name] == other[name] or (math.isnan(one[name]) and math.isnan(other[name])) for name in one
    )


@contextmanager
def _threads(count: int | None) -> Generator[None]:
    """Let torch compute with ``count`` threads, where it is there and a count is given."""
    torch = sys.modules.get("torch")
    if torch is None or count is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _reseeded(segment: Segment, run_seed: int) -> Segment:
    # as the study derives the seed of a segment from that of its run
    return Segment(segment.settings, derive(run_seed, segment.index), segment.index, segment.horizon)
