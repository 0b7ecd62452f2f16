"""Whoever is told of a study's events: loggers, progress displays. None of them can stop it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol

from trimtab.store.records import Event


class Logger(Protocol):
    """Told of every committed event once, in order. It may raise: the study goes on."""

    def recall(self, events: Sequence[Event]) -> None:
        """Take in what was committed before this sitting of the study; it was told, or not, by an earlier one."""
        ...

    def receive(self, event: Event) -> None:
        """Take in one event."""
        ...

    def close(self) -> None:
        """Write what is held back and let go of files and connections; nothing is received afterwards."""
        ...


class Audience:
    """All loggers of a study. The first error of each becomes a warning, later ones are silent, none gets out.

    After an error a logger still receives what follows: a disk that was full may have room again.
    """

    def __init__(self, loggers: Sequence[Logger]) -> None:
        self.loggers = tuple(loggers)
        self._warned: set[int] = set()

    def recall(self, events: Sequence[Event]) -> None:
        """Tell all what was committed before."""
        self._tell(lambda logger: logger.recall(events))

    def receive(self, event: Event) -> None:
        """Tell all of one event."""
        self._tell(lambda logger: logger.receive(event))

    def close(self) -> None:
        """Close all."""
        self._tell(lambda logger: logger.close())

    def _tell(self, message: Callable[[Logger], None]) -> None:
        for logger in self.loggers:
            try:
                message(logger)
            except Exception as error:  # noqa: BLE001 - whatever a logger does, the study goes on
                self._warn(logger, error)

    def _warn(self, logger: Logger, error: Exception) -> None:
        if id(logger) in self._warned:
            return
        self._warned.add(id(logger))
        name = type(logger).__name__
        text = f"the logger {name} failed ({type(error).__name__}: {error}); the study goes on, later errors are not shown"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
