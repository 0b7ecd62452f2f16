"""One sitting of a study: the thin shell around the core. It runs jobs, commits events and tells whoever listens."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from trimtab.runners.protocol import Runner
from trimtab.store.protocol import Journal
from trimtab.store.records import Event, Job, SegmentFailed, SegmentFinished
from trimtab.store.retention import Keep, wanted
from trimtab.store.tree import Tree
from trimtab.study.audience import Audience

logger = logging.getLogger(__name__)

COLLECT_EVERY = 20
"""Checkpoints that nobody wants are deleted after so many segments."""
POLL_SECONDS = 0.5
"""How often the session looks for what a user left in the store while segments run."""


class Planner(Protocol):
    """Who says what is to be done next: the core of a study, or of another kind of course through the same segments."""

    @property
    def tree(self) -> Tree: ...

    @property
    def jobs(self) -> dict[int, Job]: ...

    def receive(self, event: Event) -> list[Event]: ...


def commit(event: Event, core: Planner, journal: Journal, audience: Audience) -> None:
    """Let the core say what follows from ``event``, commit it all, then tell."""
    events = core.receive(event)
    journal.append(events)
    for committed in events:
        audience.receive(committed)


class Session:
    """Runs what the core asks for until it has finished or is stopped."""

    def __init__(self, core: Planner, journal: Journal, runner: Runner, audience: Audience, *, keep: Keep) -> None:
        self.keep = keep
        self.core = core
        self.journal = journal
        self.runner = runner
        self.audience = audience
        self._sent: set[int] = set()
        self._stopping = False

    def run(self) -> None:
        """Run to the end. Raise KeyboardInterrupt when stopped: once finishes and commits what runs, twice drops it."""
        with self._interruptible():
            self._send()
            while self._sent:
                outcome = self.runner.receive(timeout=POLL_SECONDS)
                for request in self.journal.requests():
                    self._commit(request)
                if outcome is not None:
                    self._take(outcome)
                self._send()
        if self._stopping:
            raise KeyboardInterrupt

    def _take(self, outcome: SegmentFinished | SegmentFailed) -> None:
        job = outcome.node.job if isinstance(outcome, SegmentFinished) else outcome.job
        self._sent.discard(job.node)
        self._commit(outcome)
        if self.keep == "wanted" and len(self.core.tree) % COLLECT_EVERY == 0:
            self._collect()

    def _collect(self) -> None:
        """Delete the checkpoints that nobody can want any more: a run that may go on keeps its whole path."""
        tree = self.core.tree
        open_nodes = {node.id for leaf in tree.leaves() for node in tree.path(leaf.id)}
        open_nodes |= {job.parent for job in self.core.jobs.values() if job.parent is not None}
        self.journal.checkpoints.collect(wanted(list(tree), open_nodes=open_nodes))

    def _commit(self, event: Event) -> None:
        commit(event, self.core, self.journal, self.audience)

    def _send(self) -> None:
        for node, job in list(self.core.jobs.items()):
            if self._stopping or len(self._sent) >= self.runner.slots:
                return
            if node not in self._sent:
                self._sent.add(node)
                self.runner.send(job)

    @contextmanager
    def _interruptible(self) -> Generator[None]:
        """Turn the first Ctrl-C into an orderly stop; the second interrupts at once. Only the main thread can listen."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def stop(_number: int, _frame: object) -> None:
            if self._stopping:
                raise KeyboardInterrupt
            self._stopping = True
            logger.warning("stopping after the segments that run; Ctrl-C again stops at once")

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
