"""Where segments run. A runner takes jobs and gives back outcomes; the user's code runs only here."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from trimtab.store.records import Job, SegmentFailed, SegmentFinished

Outcome: TypeAlias = SegmentFinished | SegmentFailed


class Runner(Protocol):
    """Runs at most ``slots`` jobs at a time. A job sent is answered by exactly one outcome, whatever happens to its worker."""

    @property
    def slots(self) -> int: ...

    def send(self, job: Job) -> None:
        """Begin ``job``; at most ``slots`` may be open."""
        ...

    def receive(self, timeout: float | None = None) -> Outcome | None:
        """Return the next outcome, waiting at most ``timeout`` seconds (None: as long as it takes); None if there is none."""
        ...

    def close(self) -> None:
        """End all workers now; open jobs are dropped, which is as if they had never begun."""
        ...
