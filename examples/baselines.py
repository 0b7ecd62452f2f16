"""What trimtab is compared with in the demo: one run with fixed settings, and random search. Plain loops over a task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import trimtab as tt
from trimtab.seeds import derive
from trimtab.task import Segment


@dataclass(frozen=True)
class Row:
    """One method's result: metrics of the checkpoint that it picked by validation."""

    name: str
    validation: dict[str, float]
    test: dict[str, float]
    segments: int
    seconds: float


def fixed(name: str, task: tt.TorchTask, settings: tt.Settings, *, horizon: int, seed: int) -> Row:
    """Train one run of ``horizon`` segments and keep its best checkpoint."""
    return _best_of(name, task, [settings], horizon=horizon, segments=horizon, seed=seed)


def random_search(
    task: tt.TorchTask, space: tt.Space, *, horizon: int, segments: int, seed: int, told: Callable[[int], None] = lambda _: None
) -> Row:
    """Train as many whole runs from random settings as ``segments`` allow and keep the best checkpoint of all."""
    rng = np.random.default_rng(seed)
    draws = (space.sample(rng) for _ in range(segments // horizon))
    return _best_of("random search", task, draws, horizon=horizon, segments=segments, seed=seed, told=told)


def _best_of(
    name: str,
    task: tt.TorchTask,
    starts: Iterable[tt.Settings],
    *,
    horizon: int,
    segments: int,
    seed: int,
    told: Callable[[int], None] = lambda _: None,
) -> Row:
    began = time.perf_counter()
    best: tuple[float, bytes] | None = None
    metrics: dict[str, float] = {}
    done = 0
    for run, settings in enumerate(starts):
        run_seed = derive(seed, "baseline", run)
        state: Any = task.start(settings, seed=run_seed)
        for index in range(horizon):
            after = task.advance(state, Segment(settings, derive(run_seed, index), index, horizon))
            done += 1
            told(done)
            error = task.goal.error(after.metrics)
            if best is None or error < best[0]:
                best, metrics = (error, task.encode(state)), dict(after.metrics)
            if after.status == "diverged":
                break
    assert best is not None
    test = dict(task.evaluate(task.decode(best[1]), "test"))
    return Row(name, metrics, test, segments, time.perf_counter() - began)
