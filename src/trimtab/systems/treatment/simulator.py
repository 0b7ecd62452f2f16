"""Simglucose without what it asks for and does not need: an old Gym to register in, and setuptools for the paths of files."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from trimtab.errors import MissingExtraError

EXTRA = "treatment"
INSTALL = "patients are simulated by simglucose: pip install 'trimtab[treatment]' and pip install --no-deps simglucose==0.2.11"


@cache
def home() -> Path:
    """Return the folder of the package."""
    found = importlib.util.find_spec("simglucose")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(f"{INSTALL}; it asks for an old Gym that it does not need")
    return Path(found.submodule_search_locations[0])


@cache
def part(name: str) -> ModuleType:
    """Return the module ``name`` of simglucose, such as "patient.t1dpatient"."""
    with _stand_ins():
        return importlib.import_module(f"simglucose.{name}")


@contextmanager
def _stand_ins() -> Generator[None]:
    """Give simglucose a package that registers nothing in Gym, and the one function that it wants of pkg_resources."""
    package = ModuleType("simglucose")
    package.__path__ = [str(home())]
    resources: Any = SimpleNamespace(resource_filename=lambda _package, path: str(home() / path))
    kept = {name: sys.modules.get(name) for name in ("simglucose", "pkg_resources")}
    sys.modules["simglucose"] = kept["simglucose"] or package
    sys.modules["pkg_resources"] = resources
    try:
        yield
    finally:
        if kept["pkg_resources"] is None:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = kept["pkg_resources"]
