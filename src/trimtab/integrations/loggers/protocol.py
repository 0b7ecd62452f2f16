"""What a logger is: it receives the events of a study, in the order of their commit, and puts them somewhere."""

from __future__ import annotations

from typing import Protocol

from trimtab.store.records import Event


class Logger(Protocol):
    """Receives every event once. It may raise: whoever feeds it wraps it in ``Guarded``."""

    def receive(self, event: Event) -> None: ...

    def close(self) -> None:
        """Write what is held back and let go of files and connections; nothing is received afterwards."""
        ...
