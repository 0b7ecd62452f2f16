"""The process that trains: it loads the task, runs the jobs that come, and ends when its runner does.

Started by ``ProcessRunner`` alone, in a fresh interpreter that runs ``main``.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import queue
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle

from trimtab.runners import wire
from trimtab.runners.execute import StateCache, run_segment
from trimtab.runners.failures import failed
from trimtab.store import Checkpoints, open_checkpoints
from trimtab.store.codec import decode, encode_event
from trimtab.store.records import Job
from trimtab.task import Task

ORPHANED = 70
"""Exit status of a worker whose runner is gone."""


def main(channel_fd: int, task_fd: int, checkpoints_url: str, *, threads: int, beat_seconds: float) -> None:
    """Serve the runner at the other end of the inherited socket until it hangs up; the task is read from ``task_fd``."""
    _behave()
    channel = Connection(channel_fd)
    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, inbox, os.getppid()), daemon=True).start()
    voice = Voice(channel, beat_seconds)
    task = _load(task_fd, voice, threads)
    checkpoints = open_checkpoints(checkpoints_url)
    cache: StateCache[Any] = StateCache()
    while True:
        job = decode(Job, inbox.get())
        voice.say(wire.OUTCOME, _run(task, job, checkpoints, voice, cache))


class Voice:
    """Speaks to the runner, from whatever thread; of the task's progress at most once in ``beat_seconds``."""

    def __init__(self, channel: Connection, beat_seconds: float) -> None:
        self.channel = channel
        self.beat_seconds = beat_seconds
        self._lock = threading.Lock()
        self._next = 0.0

    def say(self, letter: bytes, content: str = "") -> None:
        """Send one message."""
        sys.stdout.flush()
        sys.stderr.flush()
        with self._lock:
            wire.send(self.channel, letter, content)

    def beat(self) -> None:
        """Say that the task makes progress."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self.beat_seconds
            self.say(wire.BEAT)


def _run(task: Task[Any], job: Job, checkpoints: Checkpoints, voice: Voice, cache: StateCache[Any]) -> str:
    try:
        return encode_event(run_segment(task, job, checkpoints, progress=voice.beat, cache=cache))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
        return encode_event(failed(job, error))


def _behave() -> None:
    """Leave Ctrl-C to the runner, and be the first to go when the machine runs out of memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _listen(channel: Connection, inbox: queue.SimpleQueue[str], parent: int) -> None:
    """Take jobs in; end the process, whatever it is at, when its runner hangs up or dies."""
    try:
        # the parent is looked at too: a process that it forked may hold the other end open after its death
        while os.getppid() == parent:
            if channel.poll(0.5):
                inbox.put(wire.receive(channel)[1].decode())
    except (EOFError, OSError):
        pass
    if os.getpgrp() == os.getpid():
        # with all that the task has started
        os.killpg(0, signal.SIGKILL)
    os._exit(ORPHANED)


def _load(task_fd: int, voice: Voice, threads: int) -> Task[Any]:
    try:
        with os.fdopen(task_fd, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as payload:
            task: Task[Any] = cloudpickle.loads(payload)
    except BaseException as error:
        voice.say(wire.UNUSABLE, f"{type(error).__name__}: {error}")
        raise
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    voice.say(wire.READY)
    return task
