"""What a DQN remembers: the last transitions, each with its n-step return, as arrays that are written round and round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

Tensor = torch.Tensor

_ALWAYS = ("observation", "next_observation", "action", "reward", "weight", "discount")
_OPTIONAL = ("mask", "next_mask", "member")


@dataclass(frozen=True, slots=True)
class Batch:
    """B transitions. ``reward``: Σ γᵏ r_k; ``weight``: Σ γᵏ, to shift rewards by; ``discount``: γⁿ, or 0 at a terminal.

    Masks (B, H, M), and ``member`` (B, K), which says who learns from what, are None while every entry would be True.
    """

    observation: Tensor
    next_observation: Tensor
    action: Tensor
    reward: Tensor
    weight: Tensor
    discount: Tensor
    mask: Tensor | None
    next_mask: Tensor | None
    member: Tensor | None

    def parts(self, size: int) -> list[Batch]:
        """Return this batch cut into batches of ``size``."""
        columns = [getattr(self, name) for name in (*_ALWAYS, *_OPTIONAL)]
        count = len(self.reward) // size
        cut = [[None] * count if column is None else column.split(size) for column in columns]
        return [Batch(*row) for row in zip(*cut, strict=True)]


class Replay:
    """A ring of ``capacity`` transitions. Optional columns take no room until the first transition needs them."""

    def __init__(self, capacity: int, features: int, heads: int, moves: int, members: int) -> None:
        self.capacity = capacity
        self.size = 0
        self.position = 0
        self._optional_shapes = {"mask": (heads, moves), "next_mask": (heads, moves), "member": (members,)}
        self._columns: dict[str, np.ndarray] = {
            "observation": np.zeros((capacity, features), dtype=np.float32),
            "next_observation": np.zeros((capacity, features), dtype=np.float32),
            "action": np.zeros((capacity, heads), dtype=np.int64),
            "reward": np.zeros(capacity, dtype=np.float32),
            "weight": np.zeros(capacity, dtype=np.float32),
            "discount": np.zeros(capacity, dtype=np.float32),
        }
        self._tensors = {name: torch.from_numpy(column) for name, column in self._columns.items()}

    def append(self, values: Mapping[str, object]) -> None:
        """Write one transition over the oldest; optional columns that are absent are True."""
        row = self.position
        for name in _ALWAYS:
            self._columns[name][row] = values[name]
        for name, shape in self._optional_shapes.items():
            value = values.get(name)
            if value is not None and name not in self._columns:
                self._allocate(name, shape)
            if name in self._columns:
                self._columns[name][row] = True if value is None else value
        self.position = (row + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def _allocate(self, name: str, shape: tuple[int, ...]) -> None:
        self._columns[name] = np.ones((self.capacity, *shape), dtype=bool)
        self._tensors[name] = torch.from_numpy(self._columns[name])

    def sample(self, count: int, rng: np.random.Generator) -> Batch:
        """Return ``count`` transitions drawn with replacement."""
        rows = torch.from_numpy(rng.integers(self.size, size=count))
        drawn = {name: column.index_select(0, rows) for name, column in self._tensors.items()}
        return Batch(*(drawn.get(name) for name in (*_ALWAYS, *_OPTIONAL)))  # type: ignore[arg-type]  # only optional ones are None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what is remembered as arrays."""
        return {f"replay.{name}": column[: self.size] for name, column in self._columns.items()}

    def restore(self, arrays: Mapping[str, np.ndarray], position: int) -> None:
        """Remember what ``arrays`` returned."""
        for name in (*_ALWAYS, *_OPTIONAL):
            stored = arrays.get(f"replay.{name}")
            if stored is None:
                continue
            if name not in self._columns:
                self._allocate(name, self._optional_shapes[name])
            self._columns[name][: len(stored)] = stored
            self.size = len(stored)
        self.position = position
