"""What may be named as the system to be run: one of trimtab's, an id of Gymnasium, an environment, or what makes one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import gymnasium

from trimtab.controllers.playing import UNNAMED
from trimtab.errors import ControlError
from trimtab.systems import Rule, Split, System, find, systems


def as_system(env: object, rules: Mapping[str, Rule] | None = None) -> System:
    """Return ``env`` as a System with ``rules`` added to its own."""
    system = _found(env)
    given = dict(rules or {})
    for name, rule in given.items():
        if not callable(rule):
            raise ControlError(f"rules: {name}: expected a function of the environment, got {rule!r}")
    return replace(system, rules={**system.rules, **given})


def _found(env: object) -> System:
    if isinstance(env, System):
        return env
    if isinstance(env, str):
        return find(env) if env in systems() else _registered(env)
    if hasattr(env, "reset") and hasattr(env, "step") and not isinstance(env, type):
        return _plain(_name_of(env), lambda _: env)
    if callable(env):
        return _plain(getattr(env, "__name__", type(env).__name__), _maker(env))
    raise ControlError(
        f"env: expected the name of a system, an id of Gymnasium, an environment or a function that makes one, got {env!r}"
    )


def _registered(name: str) -> System:
    try:
        gymnasium.spec(name)
    except gymnasium.error.Error as error:
        known = ", ".join(systems())
        raise ControlError(f"env: {name!r} is no system of trimtab ({known}) and no id of Gymnasium ({error})") from None
    return _plain(name, lambda _: gymnasium.make(name))


def _plain(name: str, make: Callable[[Split], Any]) -> System:
    return System(
        name=name, about="an environment of the user", make=make, rules={}, trusted=None, cost=UNNAMED, unit="", extra=""
    )


def _maker(function: Callable[..., Any]) -> Callable[[Split], Any]:
    """Return ``function`` as one of the split; one without parameters makes the same for all of them."""
    takes_split = any(each.default is inspect.Parameter.empty for each in inspect.signature(function).parameters.values())
    return function if takes_split else lambda _: function()


def _name_of(env: Any) -> str:
    spec = getattr(env, "spec", None)
    return str(spec.id) if spec is not None else type(env).__name__
