"""Segments in worker processes of this machine, each under a lease: a worker that is lost or hangs costs one segment."""

from __future__ import annotations

import math
import os
import tempfile
import time
import weakref
from collections import deque
from multiprocessing.connection import wait
from typing import IO, Any, Literal

from trimtab.errors import RunnerError
from trimtab.runners import wire
from trimtab.runners.failures import shorten
from trimtab.runners.protocol import Outcome
from trimtab.runners.shipping import ship
from trimtab.runners.worker_process import Contract, WorkerProcess
from trimtab.store.codec import decode_event
from trimtab.store.records import Job, SegmentFailed, SegmentFinished
from trimtab.task import Task

STILLBORN = 3
"""So many workers in a row may end before they have loaded the task; then there is no use in starting another."""
LOOK_SECONDS = 0.5
"""How often a worker is looked at whose end of the channel may be held open by a process that it left behind."""


class ProcessRunner:
    """``workers`` fresh interpreters that share the checkpoints at ``checkpoints`` (a URL).

    ``lease_seconds``: a worker from whose task nothing is heard for so long is hung; every call of ``progress`` counts.
    ``threads``: for each worker's arithmetic; by default the cores of this process, shared out, or OMP_NUM_THREADS.
    """

    def __init__(
        self,
        task: Task[Any],
        checkpoints: str,
        *,
        workers: int = 2,
        lease_seconds: float = 300.0,
        threads: int | None = None,
    ) -> None:
        _check_arguments(workers, lease_seconds)
        shipped = ship(task)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._file.write(shipped)
        self._file.flush()
        self._contract = Contract(self._file, checkpoints, threads or share_of_cores(workers), lease_seconds)
        self._workers: list[WorkerProcess] = []
        self._outcomes: deque[Outcome] = deque()
        self._stillborn = 0
        # also if the runner is forgotten, or the interpreter exits
        self._end = weakref.finalize(self, _end_all, self._workers, self._file)
        try:
            for _ in range(workers):
                self._workers.append(WorkerProcess(self._contract))
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        return len(self._workers)

    def send(self, job: Job) -> None:
        """Give ``job`` to a free worker: to one that has its parent's state in memory, if there is one."""
        if not self._end.alive:
            raise RunnerError("send: this runner is closed")
        self._attend()
        free = [worker for worker in self._workers if worker.job is None]
        if not free or len(self._open_jobs()) >= self.slots:
            raise RunnerError(f"send: all {self.slots} workers are busy; receive an outcome first")
        max(free, key=lambda worker: (job.checkpoint is not None and worker.holds == job.checkpoint, worker.ready)).begin(job)

    def receive(self, timeout: float | None = None) -> Outcome | None:
        """Return the next outcome; None if none came in ``timeout`` seconds, or if no job is open."""
        if not self._end.alive:
            return None
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self._attend()
            if self._outcomes:
                return self._outcomes.popleft()
            left = deadline - time.monotonic()
            if left <= 0 or not self._open_jobs():
                return None
            wait([worker.channel for worker in self._workers], min(left, LOOK_SECONDS, self._next_deadline()))

    def close(self) -> None:
        """End all workers and whatever they started, now."""
        self._end()
        self._outcomes.clear()

    def _open_jobs(self) -> list[Job]:
        return [worker.job for worker in self._workers if worker.job is not None]

    def _next_deadline(self) -> float:
        return max(0.0, min(worker.deadline for worker in self._workers if worker.job is not None) - time.monotonic())

    def _attend(self) -> None:
        """Hear what the workers say, then replace those that are gone or overdue: what was said in time counts."""
        for worker in list(self._workers):
            try:
                while worker.channel.poll():
                    self._hear(worker, *wire.receive(worker.channel))
            except (EOFError, OSError):
                self._replace(worker, "lost")
                continue
            if worker.process.poll() is not None:
                self._replace(worker, "lost")
            elif worker.is_overdue():
                self._replace(worker, "hung")

    def _hear(self, worker: WorkerProcess, letter: bytes, content: bytes) -> None:
        worker.renew()
        if letter == wire.READY:
            worker.ready = True
            self._stillborn = 0
        elif letter == wire.UNUSABLE:
            raise RunnerError(f"the task cannot be loaded in a worker process: {content.decode()}")
        elif letter == wire.OUTCOME:
            outcome = decode_event(content.decode())
            assert isinstance(outcome, (SegmentFinished, SegmentFailed))
            worker.job = None
            worker.holds = outcome.node.checkpoint if isinstance(outcome, SegmentFinished) else None
            self._outcomes.append(outcome)

    def _replace(self, worker: WorkerProcess, cause: Literal["lost", "hung"]) -> None:
        """End ``worker``, answer its job, and start another in its place."""
        message = worker.epitaph(cause)
        worker.end()
        if worker.job is not None:
            self._outcomes.append(SegmentFailed(worker.job, cause, shorten(message)))
            worker.job = None
        self._stillborn += not worker.ready
        if self._stillborn >= STILLBORN:
            raise RunnerError(f"{STILLBORN} workers in a row ended before they had loaded the task; the last: {message}")
        self._workers[self._workers.index(worker)] = WorkerProcess(self._contract)


def _end_all(workers: list[WorkerProcess], task_file: IO[bytes]) -> None:
    for worker in workers:
        worker.end()
    task_file.close()


def _check_arguments(workers: int, lease_seconds: float) -> None:
    if os.name != "posix":
        raise RunnerError("worker processes need Linux or macOS; use the runner in this process (workers=1)")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise RunnerError(f"workers: expected a whole number of at least 1, got {workers!r}")
    if not lease_seconds > 0:
        raise RunnerError(f"lease_seconds: expected a number above 0, got {lease_seconds!r}")


def share_of_cores(workers: int) -> int:
    """Return how many threads each of ``workers`` has: OMP_NUM_THREADS if it is set, else an even share of the cores."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // workers)
