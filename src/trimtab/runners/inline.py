"""Segments in this process, one at a time: nothing to start, and a debugger works."""

from __future__ import annotations

from typing import Any

from trimtab.errors import RunnerError
from trimtab.runners.execute import StateCache, run_segment
from trimtab.runners.failures import failed
from trimtab.runners.protocol import Outcome
from trimtab.store import Checkpoints
from trimtab.store.records import Job
from trimtab.task import Task


class InlineRunner:
    """Runs a job when its outcome is asked for; a timeout is not kept, for nobody is there to keep it."""

    def __init__(self, task: Task[Any], checkpoints: Checkpoints) -> None:
        self.task = task
        self.checkpoints = checkpoints
        self._cache: StateCache[Any] = StateCache()
        self._job: Job | None = None
        self._closed = False

    @property
    def slots(self) -> int:
        return 1

    def send(self, job: Job) -> None:
        """Keep ``job`` for the next ``receive``."""
        if self._closed:
            raise RunnerError("send: this runner is closed")
        if self._job is not None:
            raise RunnerError(f"send: the only slot is busy with the segment of node {self._job.node}; receive it first")
        self._job = job

    def receive(self, timeout: float | None = None) -> Outcome | None:  # noqa: ARG002 - named as in Runner
        """Run the job that was sent and return its outcome; None if there is none. KeyboardInterrupt passes through."""
        if self._job is None:
            return None
        outcome = self._run(self._job)
        self._job = None
        return outcome

    def close(self) -> None:
        """Drop the job and the state that was kept."""
        self._closed = True
        self._job = None
        self._cache = StateCache()

    def _run(self, job: Job) -> Outcome:
        try:
            return run_segment(self.task, job, self.checkpoints, cache=self._cache)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
            return failed(job, error)
