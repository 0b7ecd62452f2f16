"""Whether a stream has changed: ADWIN of river on the errors of its examples (Bifet & Gavaldà 2007)."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

from trimtab.errors import MissingExtraError

MOST, KEPT = 4096, 1024
"""Errors since the detector was made, and how many of them the next one is made from: it can be made again from a file."""

CLOCK, CONFIDENCE = 8, 0.002
"""Errors from one test to the next, and the chance of a false alarm in each."""


class Drift:
    """Tells of a rise of errors, which are not negative. ``unit``: such an error counts as a half; 0: the first mean."""

    def __init__(self, errors: Iterable[float] = (), *, unit: float = 0.0, since: int = 0) -> None:
        try:
            self._make: Any = importlib.import_module("river.drift").ADWIN
        except ImportError:
            raise MissingExtraError("Continual finds drift by river: pip install 'trimtab[continual]'") from None
        self.unit, self.since = unit, since
        self.errors = [*errors]
        self._detector = self._made(self.errors)

    def update(self, errors: Sequence[float]) -> bool:
        """Take in the errors of a chunk; return whether the stream has changed for the worse."""
        finite = [max(0.0, error) for error in errors if math.isfinite(error)]
        self.unit = self.unit or (sum(finite) / len(finite) if finite else 0.0) or 1.0
        drifted = len(finite) < len(errors)
        for error in finite:
            before = self._detector.estimation
            self._detector.update(error / (error + self.unit))
            self.errors.append(error)
            if self._detector.drift_detected and self._detector.estimation > before:
                drifted = True
        if drifted or len(self.errors) > MOST:
            self.errors = self.errors[-(len(errors) if drifted else KEPT) :]
            self._detector = self._made(self.errors)
        self.since = 0 if drifted else self.since + 1
        return drifted

    def _made(self, errors: Sequence[float]) -> Any:
        detector = self._make(clock=CLOCK, delta=CONFIDENCE)
        for error in errors:
            detector.update(error / (error + self.unit))
        return detector
