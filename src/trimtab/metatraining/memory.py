"""What trials have shown: what was seen, what was changed, and by how much lower the run ended for it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from trimtab.policy.levers import HEADS
from trimtab.policy.sight import FEATURES


@dataclass(frozen=True, slots=True)
class Memory:
    """M trials, from first to last.

    ``observation``: (M, features). ``action``: (M, heads), of which at most one is not to leave things as they are. ``gained``:
    (M,), by how much lower the run ended in log loss than the clone that was left alone. ``course``: (M,), its number.
    """

    observation: np.ndarray
    action: np.ndarray
    gained: np.ndarray
    course: np.ndarray

    @classmethod
    def empty(cls) -> Self:
        """Return the memory of nothing."""
        floats = np.zeros((0, len(FEATURES)), np.float32)
        return cls(floats, np.zeros((0, len(HEADS)), np.int8), np.zeros(0, np.float32), np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.gained)

    def with_course(self, course: int, observation: np.ndarray, action: np.ndarray, gained: np.ndarray) -> Self:
        """Return this memory and the trials of one more ``course``."""
        new = (observation, action, gained, np.full(len(gained), course))
        parts = zip(fields(self), new, strict=True)
        return type(self)(*(self._joined(getattr(self, field.name), part) for field, part in parts))

    def before(self, course: int) -> Self:
        """Return what was known before ``course``."""
        rows = self.course < course
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def save(self, path: Path) -> None:
        """Write all of it, whole or not at all."""
        part = path.with_suffix(".part")
        save_file({field.name: getattr(self, field.name) for field in fields(self)}, part)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what was saved."""
        return cls(**load_file(path))

    @staticmethod
    def _joined(known: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([known, new.astype(known.dtype)])
