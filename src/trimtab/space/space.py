"""A space: named hyperparameters, which of them are live, and what an agent can do to settings drawn from it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.errors import SpaceError
from trimtab.space.hyperparameters import Hyperparameter, from_record, to_record
from trimtab.space.moves import Keep, Move, Value
from trimtab.space.settings import Settings


class Space(Mapping[str, Hyperparameter]):
    """Named hyperparameters, in the order in which agents decide on them (put the learning rate first).

    Settings of a space are always complete: a hyperparameter whose ``when`` is not met keeps a value, without effect.

    >>> from trimtab.space import Categorical, Float
    >>> space = Space(lr=Float(1e-5, 1.0, log=True), optimizer=Categorical("sgd", "adam"))
    >>> space.check({"lr": 0.1, "optimizer": "sgd"})
    Settings(lr=0.1, optimizer='sgd')
    >>> space.heads
    (7, 3)
    """

    def __init__(self, hyperparameters: Mapping[str, Hyperparameter] | None = None, /, **named: Hyperparameter) -> None:
        self._members = {**(hyperparameters or {}), **named}
        if not self._members:
            raise SpaceError("Space: expected at least one hyperparameter, got none")
        for name, member in self._members.items():
            if not isinstance(member, Hyperparameter):
                raise SpaceError(f"{name}: expected a hyperparameter (Float, Int, Categorical or Bool), got {member!r}")
        self._check_conditions()
        self.live: tuple[str, ...] = tuple(name for name, member in self._members.items() if member.live)
        """Names of the hyperparameters that may change while a training runs: one agent for each."""

    def __getitem__(self, name: str) -> Hyperparameter:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"Space({', '.join(f'{name}={member!r}' for name, member in self._members.items())})"

    @property
    def heads(self) -> tuple[int, ...]:
        """Number of moves on each live hyperparameter: the sizes of the agents' action heads."""
        return tuple(len(self[name].moves) for name in self.live)

    @property
    def width(self) -> int:
        """Length of an encoding."""
        return sum(member.width for member in self.values())

    def default(self) -> Settings:
        """Return the middle of every range (on its own scale) and the first of every choice."""
        return Settings({name: member.default() for name, member in self.items()})

    def sample(self, rng: np.random.Generator) -> Settings:
        """Return settings drawn uniformly, each on its own scale."""
        return Settings({name: member.sample(rng) for name, member in self.items()})

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return ``settings`` complete and in their own types; raise SpaceError for a value that is not legal.

        A hyperparameter whose ``when`` is not met may be left out: it gets its default.
        """
        for name in settings:
            if name not in self:
                raise SpaceError(f"{name}: not a hyperparameter of this space; expected one of {', '.join(self)}")
        values = {name: member.check(name, settings[name]) for name, member in self.items() if name in settings}
        complete = Settings({name: values.get(name, member.default()) for name, member in self.items()})
        for name in self:
            if name not in values and self._is_active(name, complete):
                raise SpaceError(f"{name}: expected a value, got none; settings name every hyperparameter of the space")
        return complete

    def active(self, settings: Mapping[str, Value]) -> frozenset[str]:
        """Return the names of the hyperparameters that have an effect under ``settings``."""
        return frozenset(name for name in self if self._is_active(name, settings))

    def encode(self, settings: Mapping[str, Value]) -> np.ndarray:
        """Return ``settings`` as numbers in [0, 1], shape (width,); a hyperparameter without effect is encoded as zeros."""
        active = self.active(settings)
        code = [member.encode(settings[name]) if name in active else (0.0,) * member.width for name, member in self.items()]
        return np.array([number for part in code for number in part], dtype=np.float32)

    def decode(self, code: Sequence[float] | np.ndarray) -> Settings:
        """Return the settings nearest to ``code``, shape (width,), on each hyperparameter's own scale."""
        if len(code) != self.width:
            raise SpaceError(f"code: expected {self.width} numbers, got {len(code)}")
        values: dict[str, Value] = {}
        start = 0
        for name, member in self.items():
            values[name] = member.decode([float(number) for number in code[start : start + member.width]])
            start += member.width
        return Settings(values)

    def moves(self, action: Sequence[int]) -> dict[str, Move]:
        """Return the move that ``action`` makes on each live hyperparameter; one index a head, as in ``heads``."""
        return {name: self[name].moves[int(index)] for name, index in zip(self.live, action, strict=True)}

    def apply(self, settings: Settings, action: Sequence[int]) -> Settings:
        """Return what ``action`` (one index a head) makes of ``settings``, clipped to bounds."""
        changes = {name: self[name].apply(settings[name], move) for name, move in self.moves(action).items()}
        return settings.replace(**changes)

    def masks(self, settings: Settings) -> tuple[np.ndarray, ...]:
        """Return for each head which moves do something, shape (moves,), bool; leaving a value is always allowed.

        Forbidden are: any change of a hyperparameter without effect, a switch to the present choice, a move against a
        bound that is already reached.
        """
        active = self.active(settings)
        return tuple(_mask(self[name], settings[name], name in active) for name in self.live)

    def keep(self) -> tuple[int, ...]:
        """Return the action that leaves every live hyperparameter as it is."""
        return tuple(self[name].moves.index(Keep()) for name in self.live)

    def replace(self, **changes: Hyperparameter) -> Space:
        """Return a space with ``changes`` laid over this one."""
        return Space({**self._members, **changes})

    def to_record(self) -> dict[str, dict[str, Any]]:
        """Return the space as plain data (JSON, TOML)."""
        return {name: to_record(member) for name, member in self.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Mapping[str, Any]]) -> Space:
        """Return the space that ``to_record`` described."""
        for name, fields in record.items():
            if not isinstance(fields, Mapping):
                raise SpaceError(f"{name}: expected a table such as {{kind = 'float', low = 0.1, high = 1.0}}, got {fields!r}")
        return cls({name: from_record(name, fields) for name, fields in record.items()})

    @classmethod
    def from_toml(cls, path: str | Path) -> Space:
        """Return the space in the table ``[space]`` of a TOML file (or in the whole file, if it has no such table)."""
        try:
            record = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SpaceError(f"{path}: no such file") from None
        except tomllib.TOMLDecodeError as error:
            raise SpaceError(f"{path}: not TOML: {error}") from None
        return cls.from_record(record.get("space", record))

    def _is_active(self, name: str, settings: Mapping[str, Value]) -> bool:
        when = self[name].when or {}
        return all(settings[other] in _as_tuple(wanted) and self._is_active(other, settings) for other, wanted in when.items())

    def _check_conditions(self) -> None:
        for name, member in self.items():
            for other, wanted in (member.when or {}).items():
                if other not in self:
                    raise SpaceError(
                        f"{name}.when: {other!r} is not a hyperparameter of this space; expected one of {', '.join(self)}"
                    )
                for value in _as_tuple(wanted):
                    self[other].check(f"{name}.when.{other}", value)
            self._check_acyclic(name, (name,))

    def _check_acyclic(self, name: str, path: tuple[str, ...]) -> None:
        for other in self[name].when or {}:
            if other in path:
                raise SpaceError(f"{path[0]}.when: conditions go in a circle: {' → '.join((*path, other))}")
            self._check_acyclic(other, (*path, other))


def _as_tuple(wanted: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return wanted if isinstance(wanted, tuple) else (wanted,)


def _mask(member: Hyperparameter, value: Value, active: bool) -> np.ndarray:
    moves, keep = member.moves, member.moves.index(Keep())
    ends = [member.apply(value, move) for move in moves]
    mask = np.zeros(len(moves), dtype=bool)
    for index, end in enumerate(ends):
        inner = ends[index + 1 if index < keep else index - 1]
        # two moves that end at the same bound are one choice: the shorter stands for both
        mask[index] = index == keep or (active and end != value and end != inner)
    return mask
