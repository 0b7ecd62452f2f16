"""One worker process as its runner sees it: how it is started, heard and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, Literal

from trimtab.errors import RunnerError
from trimtab.runners import wire
from trimtab.runners.shipping import search_path
from trimtab.store.codec import encode
from trimtab.store.records import Job

START_SECONDS = 300.0
"""How long a worker may take to load its task: a large data set from a slow disk does take minutes."""

_BOOT = "import json, sys; path = json.loads(sys.argv[1]); sys.path += path; from trimtab.runners.worker import main; "
"""The worker's own modules are imported before the user's path is taken over: a random.py there must not be Python's."""
_TAIL = 4_000


@dataclass(frozen=True, slots=True)
class Contract:
    """What all workers of one runner have in common. ``task_file``: the shipped task, open for reading."""

    task_file: IO[bytes]
    checkpoints_url: str
    threads: int
    lease_seconds: float


class WorkerProcess:
    """A worker with at most one job. Its lease runs from the job, or from the last sign of progress."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.job: Job | None = None
        self.ready = False
        self.holds: str | None = None
        """Digest of the state that it has in memory."""
        self.deadline = time.monotonic() + max(START_SECONDS, contract.lease_seconds)
        # a file, not a pipe: nobody has to read it while the worker prints. Unnamed, so that nobody has to delete it
        self.output = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed by end()
        self.channel, theirs = Pipe()
        try:
            with theirs:
                self.process = _start(contract, theirs, self.output)
        except BaseException:
            self.channel.close()
            self.output.close()
            raise

    def begin(self, job: Job) -> None:
        """Give it ``job``; if it has ended, that is found out by whoever listens."""
        self.job = job
        self.output.truncate(0)
        if self.ready:
            self.renew()
        with suppress(OSError):
            wire.send(self.channel, wire.JOB, encode(Job, job))

    def renew(self) -> None:
        """Begin its lease anew."""
        self.deadline = time.monotonic() + self.contract.lease_seconds

    def is_overdue(self) -> bool:
        """Return whether it should have been heard of."""
        return (self.job is not None or not self.ready) and time.monotonic() > self.deadline

    def end(self) -> None:
        """Kill it and all that it started, and wait until it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.channel.close()
        self.output.close()

    def epitaph(self, cause: Literal["lost", "hung"]) -> str:
        """Return how it ended, or why it has to, and the last that it printed."""
        if cause == "hung":
            did = "made no progress in time" if self.ready else "did not load its task in time"
        else:
            # its channel is closed a moment before its status can be had
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1.0)
            did = _ending(self.process.poll())
        self.output.seek(max(0, self.output.seek(0, os.SEEK_END) - _TAIL))
        last = self.output.read().decode(errors="replace").strip()
        return f"worker process {self.process.pid} {did}" + (f"; it printed last:\n{last}" if last else "")


def _start(contract: Contract, channel: Connection, output: IO[bytes]) -> subprocess.Popen[bytes]:
    descriptors = (channel.fileno(), contract.task_file.fileno())
    beat_seconds = min(1.0, contract.lease_seconds / 4)
    call = f"sys.path[:] = path; main(*json.loads(sys.argv[2]), threads={contract.threads}, beat_seconds={beat_seconds!r})"
    arguments = [json.dumps(search_path()), json.dumps([*descriptors, contract.checkpoints_url])]
    try:
        # a session of its own: Ctrl-C at the terminal is for the runner, and what the worker starts can be ended with it
        return subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            [sys.executable, "-P", "-c", _BOOT + call, *arguments],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={"OMP_NUM_THREADS": str(contract.threads), **os.environ},
        )
    except (OSError, ValueError) as error:
        raise RunnerError(f"a worker process cannot be started with {sys.executable!r}: {error}") from error


def _ending(status: int | None) -> str:
    if status is None:
        return "hung up"
    if status >= 0:
        return f"ended with status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return f"was killed by {name}{', as it is when memory runs out' if name == 'SIGKILL' else ''}"
