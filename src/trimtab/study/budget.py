"""Budgets: how much a study may spend, and how much it has spent."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from trimtab.errors import BudgetError
from trimtab.task import Measurement


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used so far. ``seconds``: of training and evaluation, summed over workers."""

    segments: float = 0
    epochs: float = 0
    examples: float = 0
    seconds: float = 0
    evaluations: float = 0
    episodes: float = 0

    def plus(self, measurement: Measurement, *, evaluations: int = 1) -> Spent:
        """Return what is spent after one more segment."""
        return Spent(
            self.segments + 1,
            self.epochs + measurement.epochs,
            self.examples + measurement.examples,
            self.seconds + measurement.seconds,
            self.evaluations + evaluations,
            self.episodes + measurement.episodes,
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so much of each unit, whichever is used up first; at least one is given. Only a control counts episodes.

    >>> Budget(segments=400).segments_left(Spent(segments=100))
    300
    """

    segments: int | None = None
    epochs: float | None = None
    examples: int | None = None
    seconds: float | None = None
    evaluations: int | None = None
    episodes: int | None = None

    def __post_init__(self) -> None:
        given = self.to_record()
        if not given:
            raise BudgetError(f"Budget: expected at least one of {', '.join(field.name for field in fields(self))}, got none")
        for name, amount in given.items():
            if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 < amount < math.inf:
                raise BudgetError(f"Budget.{name}: expected a positive number, got {amount!r}")
        if self.segments is not None and self.segments != int(self.segments):
            raise BudgetError(f"Budget.segments: expected a whole number, got {self.segments!r}")

    def segments_left(self, spent: Spent) -> int:
        """Return how many more segments fit, by what a segment has cost on average so far."""
        if not spent.segments:
            return self.segments if self.segments is not None else 1
        left = math.inf
        for name, amount in self.to_record().items():
            used = getattr(spent, name)
            if used:
                left = min(left, (amount - used) / (used / spent.segments))
        # a unit that the task does not count (epochs, examples) can never be used up: that is no reason to go on for ever
        if left == math.inf:
            raise BudgetError(f"Budget: the task counts none of {', '.join(self.to_record())}; give the budget in segments")
        return max(0, math.ceil(left - 1e-9))

    def share(self, spent: Spent) -> float:
        """Return the share that is used, in [0, 1]."""
        return min(1.0, max(getattr(spent, name) / amount for name, amount in self.to_record().items()))

    def plus(self, more: Budget) -> Budget:
        """Return this budget with ``more`` added, unit by unit; a unit that only one of both limits is limited as there.

        >>> print(Budget(segments=400).plus(Budget(segments=100)))
        500 segments
        """
        sums = self.to_record()
        for name, amount in more.to_record().items():
            sums[name] = sums.get(name, 0) + amount
        return Budget(**sums)  # pyright: ignore[reportArgumentType]  # sums of whole numbers are whole

    def to_record(self) -> dict[str, float]:
        """Return the units that are limited, as plain data."""
        # asdict copies deeply, which is slow for what every decision asks
        return {field.name: amount for field in fields(self) if (amount := getattr(self, field.name)) is not None}

    def __str__(self) -> str:
        return ", ".join(f"{amount:g} {name}" for name, amount in self.to_record().items())
