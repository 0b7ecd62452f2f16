"""Settings: one value for each hyperparameter of a space, never changed in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trimtab.space.moves import Value


class Settings(Mapping[str, Value]):
    """An immutable, hashable mapping of hyperparameter names to values.

    >>> settings = Settings(lr=0.1, optimizer="sgd")
    >>> settings.replace(lr=0.01)
    Settings(lr=0.01, optimizer='sgd')
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value] | None = None, /, **named: Value) -> None:
        self._values: dict[str, Value] = {**(values or {}), **named}

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        # as Mapping has it, without making two dictionaries: settings are looked up a hundred times for a proposal
        return self._values == other._values if isinstance(other, Settings) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"

    def __reduce__(self) -> tuple[type[Settings], tuple[dict[str, Value]]]:
        return Settings, (self._values,)

    def replace(self, **changes: Value) -> Settings:
        """Return settings with ``changes`` laid over these."""
        return Settings({**self._values, **changes})

    def __str__(self) -> str:
        return "  ".join(f"{name}={show(value)}" for name, value in self._values.items())


def show(value: Value) -> str:
    """Return ``value`` as people read it: three significant digits.

    >>> show(0.00123456), show(64), show(True), show("adam")
    ('0.00123', '64', 'yes', 'adam')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
