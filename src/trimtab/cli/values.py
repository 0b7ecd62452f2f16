"""NAME=VALUE on the command line, read as what the space says that NAME is."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.cli.mistakes import CommandError
from trimtab.space import Bool, Categorical, Space, Value

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def parse_settings(space: Space, texts: Sequence[str], option: str) -> dict[str, Value]:
    """Return the settings in ``texts``, each NAME=VALUE; ``option`` is for the error."""
    found: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise CommandError(f"{option}: expected NAME=VALUE such as lr=0.01, got {text!r}")
        if name in found:
            raise CommandError(f"{option}: {name} is given twice")
        found[name] = parse_value(space, name, value, option)
    return found


def parse_bound(text: str) -> tuple[str, float, float]:
    """Return name, low and high in ``text``, NAME=LOW:HIGH."""
    name, _, span = text.partition("=")
    low, colon, high = span.partition(":")
    if not (name and colon):
        raise CommandError(f"--bound: expected NAME=LOW:HIGH such as lr=1e-4:1e-2, got {text!r}")
    return name, _number(low, f"--bound: {name}"), _number(high, f"--bound: {name}")


def parse_value(space: Space, name: str, text: str, option: str) -> Value:
    """Return ``text`` as a value for ``name``; whether it is a legal one, the space says later."""
    if name not in space:
        raise CommandError(f"{option}: this study has no hyperparameter {name!r}; it has {', '.join(space)}")
    member = space[name]
    if isinstance(member, Categorical):
        for choice in member.choices:
            if text == str(choice):
                return choice
        raise CommandError(f"{option}: {name}: expected one of {', '.join(map(str, member.choices))}, got {text!r}")
    if isinstance(member, Bool):
        if text.lower() not in YES + NO:
            raise CommandError(f"{option}: {name}: expected yes or no, got {text!r}")
        return text.lower() in YES
    return _number(text, f"{option}: {name}")


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CommandError(f"{where}: expected a number, got {text!r}") from None
