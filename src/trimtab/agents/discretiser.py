"""From an observation to a cell of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trimtab.errors import AgentError

State = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Discretiser:
    """Equal bins between ``low`` and ``high``, one entry for each feature that counts; what lies beyond is in the outer bins.

    ``columns`` names the features that count (None: the first ``len(low)`` of them).

    >>> Discretiser(low=(0.0, -1.0), high=(1.0, 1.0), bins=(4, 2)).state(np.array([0.3, 0.5]))
    (1, 1)
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    bins: tuple[int, ...]
    columns: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "bins"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(self.columns))
        lengths = (len(self.low), len(self.high), len(self.bins), len(self.columns if self.columns is not None else self.low))
        if len(set(lengths)) != 1 or lengths[0] == 0:
            raise AgentError(
                f"discretiser: expected low, high, bins and columns of one length of at least 1, got lengths {lengths}"
            )
        for index, (low, high, bins) in enumerate(zip(self.low, self.high, self.bins, strict=True)):
            if not (np.isfinite(low) and np.isfinite(high) and low < high) or bins < 1:
                raise AgentError(
                    f"discretiser: expected finite low < high and at least 1 bin for entry {index}, got {low}, {high}, {bins}"
                )

    @classmethod
    def uniform(cls, features: int, *, bins: int, low: float = -1.0, high: float = 1.0) -> Discretiser:
        """Return the same bins for every feature."""
        return cls((low,) * features, (high,) * features, (bins,) * features)

    def state(self, observation: np.ndarray) -> State:
        """Return the bin of every feature that counts."""
        columns = range(len(self.low)) if self.columns is None else self.columns
        cells = zip(observation[list(columns)].tolist(), self.low, self.high, self.bins, strict=True)
        return tuple(min(max(int((x - low) / (high - low) * bins), 0), bins - 1) for x, low, high, bins in cells)

    def check(self, features: int) -> None:
        """Raise an AgentError unless every column is one of ``features``."""
        columns: Sequence[int] = range(len(self.low)) if self.columns is None else self.columns
        if min(columns) < 0 or max(columns) >= features:
            raise AgentError(f"discretiser: expected columns in 0..{features - 1}, got {tuple(columns)}")


@dataclass(frozen=True, slots=True)
class IntegerStates:
    """Observations that are already integers: each is its own state.

    >>> IntegerStates().state(np.array([3.0, 1.0]))
    (3, 1)
    """

    def state(self, observation: np.ndarray) -> State:
        """Return the observation as integers; a fraction is an AgentError."""
        numbers = observation.tolist()
        state = tuple(int(number) for number in numbers)
        if any(map(float.__ne__, numbers, map(float, state))):
            raise AgentError(f"observation: expected integers, or a Discretiser to bin them (discretiser=...), got {numbers}")
        return state

    def check(self, features: int) -> None:
        """Accept any number of features."""


def discretiser_from(value: Any, features: int) -> Discretiser | IntegerStates:
    """Return the discretiser that ``value`` is or describes (None: integers)."""
    if value is None:
        return IntegerStates()
    if isinstance(value, Mapping):
        try:
            value = Discretiser(**value)
        except TypeError as error:
            raise AgentError(f"discretiser: expected low, high, bins and columns, got {value!r}") from error
    if not isinstance(value, Discretiser | IntegerStates):
        raise AgentError(f"discretiser: expected a Discretiser, IntegerStates or None, got {value!r}")
    value.check(features)
    return value


def described(discretiser: Discretiser | IntegerStates) -> dict[str, Any] | None:
    """Return ``discretiser`` as ``discretiser_from`` reads it."""
    return asdict(discretiser) if isinstance(discretiser, Discretiser) else None
