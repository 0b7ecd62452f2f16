"""Live progress on a terminal, and plain lines where there is none (a log, a pipe)."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Sequence

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from trimtab.integrations.loggers.panel import Clock, line, panel
from trimtab.integrations.loggers.tally import Tally
from trimtab.store.records import Event, SegmentFailed, SegmentFinished, StudyFinished

REFRESHES_PER_SECOND = 4.0
CAUSES = {"error": "the task raised", "lost": "a worker was lost", "hung": "a worker hung"}


class Terminal:
    """Shows how a study gets on, on ``console`` (default: stderr), headed by ``title``.

    Where there is no terminal it prints lines, at least ``seconds`` apart; a new best is worth a line at any time. The display
    ends with the study, or by ``close``.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        title: str = "trimtab",
        seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console if console is not None else Console(stderr=True)
        self.title = title
        self.seconds = seconds
        self.clock = clock
        self._tally = Tally()
        self._live: Live | None = None
        self._began: float | None = None
        self._first: tuple[float, float] | None = None
        """When the first segment of this sitting ended, and the share of the budget that was used then."""
        self._best_at: float | None = None
        self._printed_at = -float("inf")
        self._printed_nodes = -1
        self._complaints: set[tuple[str, str]] = set()

    def recall(self, events: Sequence[Event]) -> None:
        """Take in what happened before this sitting, so that a study that goes on is not shown as one that begins."""
        self._tally = Tally()
        for event in events:
            self._tally.receive(event)
        self._best_at = None
        self._begin()

    def receive(self, event: Event) -> None:
        """Take in one event and show what it changes."""
        self._begin()
        best = self._tally.best
        self._tally.receive(event)
        if isinstance(event, SegmentFailed):
            self._complain(event)
        if self._first is None and isinstance(event, SegmentFinished):
            # what comes before is the start of the workers: no measure of what is to come
            self._first = (self.clock(), self._tally.share or 0.0)
        is_best = self._tally.best is not best
        if is_best:
            self._best_at = self.clock()
        if self._live is None and isinstance(event, SegmentFinished):
            self._print_line(at_once=is_best)
        if isinstance(event, StudyFinished):
            self.close()

    def close(self) -> None:
        """End the display; what it showed last stays on the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            atexit.unregister(self.close)
        elif self._began is not None and self._printed_nodes != self._tally.spent.segments:
            self._print_line(at_once=True)
        self._began = None

    def _begin(self) -> None:
        if self._began is not None:
            return
        self._began = self.clock()
        self._first = None
        # asked of the file too: FORCE_COLOR makes rich take a log for a terminal
        if self.console.is_terminal and self.console.file.isatty() and not self.console.is_dumb_terminal:
            # an exception may end the study without a word to its listeners: the cursor must come back all the same
            atexit.register(self.close)
            self._live = Live(get_renderable=self._view, console=self.console, refresh_per_second=REFRESHES_PER_SECOND)
            self._live.start()

    def _view(self) -> RenderableType:
        return panel(self._tally, self._times(), title=self.title)

    def _times(self) -> Clock:
        now = self.clock()
        elapsed = now - (self._began if self._began is not None else now)
        share = self._tally.share
        left = None
        if share is not None and self._first is not None and share > self._first[1]:
            left = (now - self._first[0]) * (1 - share) / (share - self._first[1])
        return Clock(elapsed, left, None if self._best_at is None else now - self._best_at)

    def _print_line(self, *, at_once: bool) -> None:
        now = self.clock()
        if at_once or now - self._printed_at >= self.seconds:
            self._printed_at = now
            self._printed_nodes = int(self._tally.spent.segments)
            self.console.print(Text(line(self._tally, self._times())), soft_wrap=True)

    def _complain(self, event: SegmentFailed) -> None:
        """Print why a segment failed, once for each reason."""
        complaint = (event.cause, event.message)
        if complaint not in self._complaints:
            self._complaints.add(complaint)
            first = f"segment {event.job.node} failed, {CAUSES[event.cause]}: "
            self.console.print(Text.assemble((first, "bold red"), event.message), soft_wrap=True)
