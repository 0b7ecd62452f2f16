"""The kinds of hyperparameter: Float, Int, Categorical and Bool.

Each knows its legal values, how a value is drawn, encoded as numbers in [0, 1] and decoded again, and which moves an
agent has on it. ``live`` ones may change while a training runs; the others are set at its start. ``when`` names the
settings under which a hyperparameter has any effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from trimtab.errors import SpaceError
from trimtab.space.moves import Keep, Move, Multiply, Step, Switch, Value, moved, switches, symmetric_factors, symmetric_steps

Condition = Mapping[str, Value | tuple[Value, ...]]


@runtime_checkable
class Hyperparameter(Protocol):
    """What a space asks of each of its members. ``width`` is how many numbers encode one value."""

    @property
    def live(self) -> bool: ...
    @property
    def when(self) -> Condition | None: ...
    @property
    def width(self) -> int: ...
    @property
    def moves(self) -> tuple[Move, ...]: ...

    def check(self, name: str, value: object) -> Value:
        """Return ``value`` in its own type, or raise SpaceError naming ``name``, the value and the legal ones."""
        ...

    def sample(self, rng: np.random.Generator) -> Value: ...
    def encode(self, value: Value) -> tuple[float, ...]: ...
    def decode(self, code: Sequence[float]) -> Value: ...
    def apply(self, value: Value, move: Move) -> Value: ...
    def default(self) -> Value: ...


def _number(name: str, value: object) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise SpaceError(f"{name}: expected a number, got {value!r}")
    return float(value)


def _check_bounds(kind: str, low: float, high: float, log: bool) -> None:
    for label, bound in (("low", low), ("high", high)):
        if not math.isfinite(_number(f"{kind}.{label}", bound)):
            raise SpaceError(f"{kind}.{label}: expected a finite number, got {bound!r}")
    if low >= high:
        raise SpaceError(f"{kind}: expected low < high, got low={low!r}, high={high!r}")
    if log and low <= 0:
        raise SpaceError(f"{kind}: log=True needs low > 0, got low={low!r}; give a small positive bound or log=False")


def _check_sizes(kind: str, sizes: tuple[float, ...], log: bool) -> None:
    least, what = (1.0, "factors above 1") if log else (0.0, "steps above 0")
    for size in sizes:
        if not math.isfinite(_number(f"{kind}.sizes", size)) or size <= least:
            raise SpaceError(f"{kind}.sizes: expected {what}, got {size!r}")
    if len(set(sizes)) != len(sizes) or not sizes:
        raise SpaceError(f"{kind}.sizes: expected one or more different {what}, got {sizes!r}")


def _in_bounds(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SpaceError(f"{name}: expected a number in [{low:g}, {high:g}], got {value:g}")


def _to_unit(value: float, low: float, high: float, log: bool) -> float:
    return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)


def _from_unit(code: float, low: float, high: float, log: bool) -> float:
    code = min(1.0, max(0.0, float(code)))
    value = low * (high / low) ** code if log else low + code * (high - low)
    return min(high, max(low, value))


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high]. ``log``: moves multiply by ``sizes`` (factors > 1); otherwise they add ``sizes`` (> 0).

    >>> [str(move) for move in Float(1e-5, 1.0, log=True).moves]
    ['÷ 5', '÷ 2', '÷ 1.25', 'keep', '× 1.25', '× 2', '× 5']
    """

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    live: bool = field(default=True, kw_only=True)
    when: Condition | None = field(default=None, kw_only=True)
    sizes: tuple[float, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_bounds("Float", self.low, self.high, self.log)
        if self.sizes is not None:
            _check_sizes("Float", self.sizes, self.log)

    @property
    def width(self) -> int:
        return 1

    @property
    def moves(self) -> tuple[Move, ...]:
        if self.log:
            return symmetric_factors(self.sizes or (1.25, 2.0, 5.0))
        span = self.high - self.low
        return symmetric_steps(self.sizes or (0.05 * span, 0.2 * span))

    def check(self, name: str, value: object) -> float:
        number = _number(name, value)
        _in_bounds(name, number, self.low, self.high)
        return number

    def sample(self, rng: np.random.Generator) -> float:
        return self.decode((rng.random(),))

    def encode(self, value: Value) -> tuple[float, ...]:
        return (_to_unit(float(value), self.low, self.high, self.log),)

    def decode(self, code: Sequence[float]) -> float:
        return _from_unit(code[0], self.low, self.high, self.log)

    def apply(self, value: Value, move: Move) -> float:
        assert not isinstance(move, Switch)
        return moved(float(value), move, low=self.low, high=self.high)

    def default(self) -> float:
        return self.decode((0.5,))


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number in [low, high]. ``log``: moves multiply by ``sizes`` (factors > 1); otherwise they add ``sizes`` (≥ 1)."""

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    live: bool = field(default=True, kw_only=True)
    when: Condition | None = field(default=None, kw_only=True)
    sizes: tuple[float, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_bounds("Int", self.low, self.high, self.log)
        for label, bound in (("low", self.low), ("high", self.high)):
            if bound != int(bound):
                raise SpaceError(f"Int.{label}: expected a whole number, got {bound!r}")
        if self.sizes is not None:
            _check_sizes("Int", self.sizes, self.log)

    @property
    def width(self) -> int:
        return 1

    @property
    def moves(self) -> tuple[Move, ...]:
        if self.log:
            return symmetric_factors(self.sizes or (2.0,))
        return symmetric_steps(self.sizes or (float(max(1, round(0.1 * (self.high - self.low)))),))

    def check(self, name: str, value: object) -> int:
        number = _number(name, value)
        if number != int(number):
            raise SpaceError(f"{name}: expected a whole number in [{self.low}, {self.high}], got {value!r}")
        _in_bounds(name, number, self.low, self.high)
        return int(number)

    def sample(self, rng: np.random.Generator) -> int:
        return self.decode((rng.random(),))

    def encode(self, value: Value) -> tuple[float, ...]:
        return (_to_unit(float(value), self.low, self.high, self.log),)

    def decode(self, code: Sequence[float]) -> int:
        return round(_from_unit(code[0], self.low, self.high, self.log))

    def apply(self, value: Value, move: Move) -> int:
        """Return the moved whole number: at least one away from ``value`` unless the move is keep or a bound is reached."""
        assert not isinstance(move, Switch)
        now = int(value)
        after = round(moved(float(now), move, low=self.low, high=self.high))
        if after != now or isinstance(move, Keep):
            return after
        up = move.factor > 1 if isinstance(move, Multiply) else isinstance(move, Step) and move.delta > 0
        return min(self.high, now + 1) if up else max(self.low, now - 1)

    def default(self) -> int:
        return self.decode((0.5,))


@dataclass(frozen=True, slots=True, init=False)
class Categorical:
    """One of at least two different choices (numbers, strings or booleans), without order."""

    choices: tuple[Value, ...]
    live: bool
    when: Condition | None

    def __init__(self, *choices: Value, live: bool = True, when: Condition | None = None) -> None:
        if len(choices) == 1 and isinstance(choices[0], (list, tuple)):
            raise SpaceError(f"Categorical: give the choices one by one, Categorical(*choices), got {choices[0]!r}")
        for choice in choices:
            if not isinstance(choice, (str, int, float, bool)):
                raise SpaceError(f"Categorical: expected choices that are strings, numbers or booleans, got {choice!r}")
        if len(choices) < 2 or len(set(choices)) != len(choices):
            raise SpaceError(f"Categorical: expected at least two different choices, got {choices!r}")
        object.__setattr__(self, "choices", choices)
        object.__setattr__(self, "live", live)
        object.__setattr__(self, "when", when)

    @property
    def width(self) -> int:
        return len(self.choices)

    @property
    def moves(self) -> tuple[Move, ...]:
        return switches(*self.choices)

    def check(self, name: str, value: object) -> Value:
        for choice in self.choices:
            if choice == value and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        raise SpaceError(f"{name}: expected one of {', '.join(map(repr, self.choices))}, got {value!r}")

    def sample(self, rng: np.random.Generator) -> Value:
        return self.choices[int(rng.integers(len(self.choices)))]

    def encode(self, value: Value) -> tuple[float, ...]:
        return tuple(float(choice == value) for choice in self.choices)

    def decode(self, code: Sequence[float]) -> Value:
        return self.choices[int(np.argmax(code))]

    def apply(self, value: Value, move: Move) -> Value:
        return move.choice if isinstance(move, Switch) else value

    def default(self) -> Value:
        return self.choices[0]


@dataclass(frozen=True, slots=True)
class Bool:
    """True or false."""

    live: bool = field(default=True, kw_only=True)
    when: Condition | None = field(default=None, kw_only=True)

    @property
    def width(self) -> int:
        return 1

    @property
    def moves(self) -> tuple[Move, ...]:
        return switches(False, True)

    def check(self, name: str, value: object) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise SpaceError(f"{name}: expected True or False, got {value!r}")
        return bool(value)

    def sample(self, rng: np.random.Generator) -> bool:
        return bool(rng.integers(2))

    def encode(self, value: Value) -> tuple[float, ...]:
        return (float(value),)

    def decode(self, code: Sequence[float]) -> bool:
        return bool(code[0] >= 0.5)

    def apply(self, value: Value, move: Move) -> bool:
        return bool(move.choice) if isinstance(move, Switch) else bool(value)

    def default(self) -> bool:
        return False


KINDS: dict[str, type[Any]] = {"float": Float, "int": Int, "categorical": Categorical, "bool": Bool}
"""The kinds by the name they have in TOML and in a store. A new kind registers here."""


def to_record(hyperparameter: Hyperparameter) -> dict[str, Any]:
    """Return ``hyperparameter`` as plain data: its kind and the fields that differ from the defaults."""
    kind = next(name for name, cls in KINDS.items() if isinstance(hyperparameter, cls))
    record: dict[str, Any] = {"kind": kind}
    for name in ("low", "high", "log", "choices", "live", "when", "sizes"):
        value = getattr(hyperparameter, name, None)
        if value is not None and (name, value) not in (("log", False), ("live", True)):
            record[name] = list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
    return record


def from_record(name: str, record: Mapping[str, Any]) -> Hyperparameter:
    """Return the hyperparameter that ``record`` describes; ``name`` is for the error."""
    fields = dict(record)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise SpaceError(f"{name}.kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    if isinstance(fields.get("when"), Mapping):
        fields["when"] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields["when"].items()}
    if isinstance(fields.get("sizes"), list):
        fields["sizes"] = tuple(fields["sizes"])
    choices = fields.pop("choices", ())
    try:
        return KINDS[kind](*choices, **fields)
    except (TypeError, SpaceError) as error:
        raise SpaceError(f"{name}: {error}") from None
