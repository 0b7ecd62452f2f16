"""The moves an agent may make on one hyperparameter: leave it, multiply it, step it, or switch it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

Value: TypeAlias = float | int | str | bool


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave the value as it is."""

    def __str__(self) -> str:
        return "keep"


@dataclass(frozen=True, slots=True)
class Multiply:
    """Multiply the value by ``factor`` (> 0)."""

    factor: float

    def __str__(self) -> str:
        return f"× {self.factor:.3g}" if self.factor >= 1 else f"÷ {1 / self.factor:.3g}"


@dataclass(frozen=True, slots=True)
class Step:
    """Add ``delta`` to the value."""

    delta: float

    def __str__(self) -> str:
        return f"{'+' if self.delta >= 0 else '−'} {abs(self.delta):.3g}"


@dataclass(frozen=True, slots=True)
class Switch:
    """Replace the value by ``choice``."""

    choice: Value

    def __str__(self) -> str:
        return f"→ {self.choice}"


Move: TypeAlias = Keep | Multiply | Step | Switch


def moved(value: float, move: Keep | Multiply | Step, *, low: float, high: float) -> float:
    """Return the number that ``move`` makes of ``value``, clipped to [low, high]."""
    match move:
        case Keep():
            return value
        case Multiply(factor):
            # exp-log keeps repeated × and ÷ by the same factor within rounding of where they began
            return min(high, max(low, math.exp(math.log(value) + math.log(factor))))
        case Step(delta):
            return min(high, max(low, value + delta))


@lru_cache
def symmetric_factors(factors: tuple[float, ...]) -> tuple[Keep | Multiply, ...]:
    """Return ÷ and × by each factor around ``Keep``, ascending.

    >>> [str(move) for move in symmetric_factors((2.0, 5.0))]
    ['÷ 5', '÷ 2', 'keep', '× 2', '× 5']
    """
    ascending = sorted(factors)
    return (*(Multiply(1 / factor) for factor in reversed(ascending)), Keep(), *map(Multiply, ascending))


@lru_cache
def symmetric_steps(steps: tuple[float, ...]) -> tuple[Keep | Step, ...]:
    """Return − and + each step around ``Keep``, ascending.

    >>> [str(move) for move in symmetric_steps((0.1,))]
    ['− 0.1', 'keep', '+ 0.1']
    """
    ascending = sorted(steps)
    return (*(Step(-step) for step in reversed(ascending)), Keep(), *map(Step, ascending))


@lru_cache(typed=True)
def switches(*choices: Value) -> tuple[Keep | Switch, ...]:
    """Return ``Keep``, then a switch to each choice.

    >>> [str(move) for move in switches("sgd", "adam")]
    ['keep', '→ sgd', '→ adam']
    """
    return (Keep(), *map(Switch, choices))
