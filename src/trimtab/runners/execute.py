"""One segment, from its job to its finished node. The same function runs in every runner, so that all give the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Generic

from trimtab.errors import TaskError
from trimtab.store import Checkpoints
from trimtab.store.records import Job, Node, SegmentFinished
from trimtab.task import Measurement, Progress, Segment, State, Task


class StateCache(Generic[State]):
    """The last state that was trained here, so that the segment which continues it need not read its checkpoint.

    A state is handed out once: it is changed by the segment that gets it.
    """

    def __init__(self) -> None:
        self._digest: str | None = None
        self._state: State | None = None

    def put(self, digest: str, state: State) -> None:
        """Keep ``state``, whose checkpoint is ``digest``, in place of the one before."""
        self._digest, self._state = digest, state

    def take(self, digest: str | None) -> State | None:
        """Return the state of ``digest`` if it is here, and forget whatever is here: two states may not fit in memory."""
        state = self._state if digest is not None and digest == self._digest else None
        self._digest, self._state = None, None
        return state


def run_segment(
    task: Task[State],
    job: Job,
    checkpoints: Checkpoints,
    *,
    progress: Progress = lambda: None,
    cache: StateCache[State] | None = None,
) -> SegmentFinished:
    """Run ``job`` and return its node, whose checkpoint is then on the disk. Whatever the task raises passes through."""
    cache = StateCache() if cache is None else cache
    state, before = _begin(task, job, checkpoints, cache)
    progress()
    after = _measured(task.advance(state, Segment(job.settings, job.seed, job.index, job.horizon), progress=progress))
    progress()
    error = task.goal.error(after.metrics)
    # a metric that is not finite is a divergence too, whether or not the task says so
    if after.status == "diverged" or not math.isfinite(error):
        return SegmentFinished(Node(job, None, before, replace(after, status="diverged"), math.inf))
    digest = checkpoints.write(task.encode(state))
    cache.put(digest, state)
    return SegmentFinished(Node(job, digest, before, after, error))


def _begin(task: Task[State], job: Job, checkpoints: Checkpoints, cache: StateCache[State]) -> tuple[State, Measurement | None]:
    """Return the training that ``job`` continues, and at a root its measurement before the first step."""
    state = cache.take(job.checkpoint)
    if state is not None:
        return state, None
    if job.checkpoint is not None:
        return task.decode(checkpoints.read(job.checkpoint)), None
    state = task.start(job.settings, seed=job.run_seed)
    return state, _measured(task.measure(state))


def _measured(measurement: Measurement) -> Measurement:
    """Return ``measurement`` with metrics that are plain floats: a task may well give NumPy scalars or tensors."""
    if not isinstance(measurement, Measurement):
        raise TaskError(f"task: expected a Measurement from advance() and measure(), got {measurement!r}")
    metrics = {name: _number(name, value) for name, value in _metrics(measurement).items()}
    return replace(measurement, metrics=metrics, train_loss=_number("train_loss", measurement.train_loss))


def _metrics(measurement: Measurement) -> Mapping[str, object]:
    if not isinstance(measurement.metrics, Mapping):
        raise TaskError(f"metrics: expected a mapping of names to numbers, got {measurement.metrics!r}")
    return measurement.metrics


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # whatever has __float__ will do, and what has not is the error
    except (TypeError, ValueError) as error:
        raise TaskError(f"metrics: {name}: expected a number, got {value!r}") from error
