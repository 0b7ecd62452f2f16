"""What a study asks of its memory: a journal of events with two verbs, and a place for checkpoints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from trimtab.store.records import Event, Override


class Checkpoints(Protocol):
    """Bytes by their SHA-256. What was written is whole, or is not there."""

    @property
    def url(self) -> str:
        """Where they lie; ``open_checkpoints(url)`` opens the same place in another process."""
        ...

    def write(self, data: bytes) -> str:
        """Write ``data`` durably and return its digest; writing what is there already costs nothing."""
        ...

    def read(self, digest: str) -> bytes:
        """Return the bytes of ``digest``, verified; raise CheckpointError if they are missing, cut short or changed."""
        ...

    def holds(self, digest: str) -> bool:
        """Return whether the bytes of ``digest`` are there; what is no longer wanted is deleted."""
        ...

    def collect(self, wanted: Collection[str]) -> int:
        """Delete every checkpoint that is not in ``wanted`` and return the number of bytes freed."""
        ...


class Journal(Protocol):
    """The events of one study, in order, append-only."""

    @property
    def url(self) -> str: ...

    @property
    def study(self) -> str: ...

    @property
    def checkpoints(self) -> Checkpoints: ...

    def append(self, events: Sequence[Event]) -> None:
        """Commit ``events`` in one transaction, durably: afterwards they survive a kill of the process and of the machine."""
        ...

    def read(self) -> list[Event]:
        """Return all events in the order of their commit."""
        ...

    def request(self, override: Override) -> None:
        """Leave ``override`` for the process that runs the study (any process may)."""
        ...

    def requests(self) -> list[Override]:
        """Take the overrides that were left since the last call; each is returned once, and lost only if it is not appended."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold the study against other processes that would run it; raise StoreLockedError if one does."""
        ...
