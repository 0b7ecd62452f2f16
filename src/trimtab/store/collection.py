"""The checkpoints of a study that is running: collected without ever taking one that is on its way into the journal.

A worker writes a checkpoint before the segment that made it is committed. In between nobody's list of wanted digests has
it, so only what is known to be old may go: what was committed, and what was there before the study began to run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from trimtab.errors import CheckpointError
from trimtab.store.checkpoints import LocalCheckpoints


class StudyCheckpoints:
    """``local`` with that rule. ``committed`` returns the digests of all committed segments of the study."""

    def __init__(self, local: LocalCheckpoints, committed: Callable[[], Collection[str]]) -> None:
        self.local = local
        self.committed = committed
        self._before: frozenset[str] | None = None
        self._collected: set[str] = set()

    @property
    def url(self) -> str:
        """The folder as a file URL."""
        return self.local.url

    def write(self, data: bytes) -> str:
        """Write ``data`` durably and return its digest."""
        return self.local.write(data)

    def read(self, digest: str) -> bytes:
        """Return the bytes of ``digest``, verified; raise CheckpointError if they are missing, cut short or changed."""
        return self.local.read(digest)

    def holds(self, digest: str) -> bool:
        """Return whether the bytes of ``digest`` are there."""
        return self.local.holds(digest)

    def collect(self, wanted: Collection[str]) -> int:
        """Delete what is not in ``wanted`` and not on its way, and what interrupted writes left; return the bytes freed."""
        unwanted = self.local.digests() - frozenset(wanted)
        if self._before is not None:
            unwanted &= self._before | frozenset(self.committed())
        self._collected |= unwanted
        return self.local.remove(unwanted) + self.local.sweep()

    def begin(self) -> None:
        """Take note of what is there before any segment runs."""
        self._before = self.local.digests()

    def end(self) -> None:
        """Say that no segment is on its way any more."""
        self._before = None

    def check_present(self, digests: Collection[str]) -> None:
        """Raise CheckpointError if one of ``digests`` was made a second time, and collected, before it could be committed."""
        for digest in self._collected.intersection(digests):
            if not self.local.holds(digest):
                raise CheckpointError(f"checkpoint {digest[:12]} was collected while its segment was on its way; run it again")
