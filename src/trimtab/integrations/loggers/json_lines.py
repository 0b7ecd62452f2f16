"""Events as lines of JSON: one object an event, to be read by anything."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from trimtab.store.records import Event


class JsonLines:
    """Appends each event to ``path`` as ``{"event": NAME, "time": UNIX SECONDS, …its fields}`` and flushes it.

    What is not finite becomes null, so that every line is JSON by the letter.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: IO[str] | None = None

    def recall(self, events: Sequence[Event]) -> None:
        """Do nothing: an earlier sitting wrote these."""

    def receive(self, event: Event) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
        record = {"event": type(event).__name__, "time": round(time.time(), 3), **_plain(event)}
        self._file.write(json.dumps(record, ensure_ascii=False, allow_nan=False, default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _plain(value: Any) -> Any:  # any value of a record
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
