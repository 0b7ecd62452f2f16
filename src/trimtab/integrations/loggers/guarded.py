"""A logger that cannot stop a study."""

from __future__ import annotations

import warnings

from trimtab.integrations.loggers.protocol import Logger
from trimtab.store.records import Event


class Guarded:
    """Passes events to ``logger``; the first error becomes a warning, later ones are silent, none gets out.

    After an error the logger still receives what follows: a disk that was full may have room again.
    """

    def __init__(self, logger: Logger) -> None:
        self.logger = logger
        self._warned = False

    def receive(self, event: Event) -> None:
        try:
            self.logger.receive(event)
        except Exception as error:  # noqa: BLE001  # whatever a logger does, the study goes on
            self._warn(error)

    def close(self) -> None:
        try:
            self.logger.close()
        except Exception as error:  # noqa: BLE001  # as above
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if self._warned:
            return
        self._warned = True
        name = type(self.logger).__name__
        text = f"the logger {name} failed ({type(error).__name__}: {error}); the study goes on, later errors are not shown"
        warnings.warn(text, RuntimeWarning, stacklevel=3)
