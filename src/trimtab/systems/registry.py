"""Systems by name. A new one is one file with ``SYSTEMS`` and one line here."""

from __future__ import annotations

import importlib
from functools import cache

from trimtab.errors import ControlError
from trimtab.systems.system import System

_HOMES: tuple[str, ...] = (
    "building",
    "delivery",
    "driving",
    "factory",
    "farm",
    "grid",
    "lanes",
    "robots",
    "shop",
    "storage",
    "traffic",
    "treatment",
    "video",
)
"""Modules of this package; importing one imports no simulator."""


@cache
def systems() -> dict[str, System]:
    """Return all systems by name, in the order in which they are listed."""
    found: list[System] = []
    for home in _HOMES:
        found += importlib.import_module(f"trimtab.systems.{home}").SYSTEMS
    return {system.name: system for system in found}


def find(name: str) -> System:
    """Return the system ``name``; raise ControlError where there is none, saying which there are."""
    if name not in systems():
        raise ControlError(f"system: expected one of {', '.join(systems())}, got {name!r}")
    return systems()[name]
