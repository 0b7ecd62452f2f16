"""The values of one head as a table: a row for each state that was met, a column for each move."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trimtab.agents.discretiser import State


class ValueTable:
    """Values and visits of the moves of one head, shape (states met, moves). One that was never met has ``initial`` values."""

    def __init__(self, initial: np.ndarray) -> None:
        self.initial = initial
        self._rows: dict[State, int] = {}
        self._values = np.empty((16, len(initial)))
        self._counts = np.empty((16, len(initial)), dtype=np.int64)
        self._unmet = np.zeros(len(initial), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[State]:
        return iter(self._rows)

    def values(self, state: State) -> np.ndarray:
        """Return the values at ``state``; not to be written to."""
        row = self._rows.get(state)
        return self.initial if row is None else self._values[row]

    def counts(self, state: State) -> np.ndarray:
        """Return how often each move was learned from at ``state``; not to be written to."""
        row = self._rows.get(state)
        return self._unmet if row is None else self._counts[row]

    def row(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return the values and counts at ``state`` to be written to, after making room for them."""
        row = self._rows.get(state)
        if row is None:
            row = self._add(state)
        return self._values[row], self._counts[row]

    def _add(self, state: State) -> int:
        row = len(self._rows)
        if row == len(self._values):
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
            self._counts = np.concatenate([self._counts, np.empty_like(self._counts)])
        self._rows[state] = row
        self._values[row] = self.initial
        self._counts[row] = 0
        return row

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the table as arrays: states (n, length of a state), values and counts (n, moves)."""
        n = len(self._rows)
        length = len(next(iter(self._rows))) if n else 0
        states = np.array(list(self._rows), dtype=np.int64).reshape(n, length)
        return {"states": states, "values": self._values[:n], "counts": self._counts[:n]}

    @classmethod
    def from_arrays(cls, initial: np.ndarray, states: np.ndarray, values: np.ndarray, counts: np.ndarray) -> ValueTable:
        """Return the table of which ``arrays`` were taken."""
        table = cls(initial)
        for state, row_values, row_counts in zip(states.tolist(), values, counts, strict=True):
            to_values, to_counts = table.row(tuple(state))
            to_values[:] = row_values
            to_counts[:] = row_counts
        return table
