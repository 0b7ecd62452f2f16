"""A task as bytes that a fresh interpreter can load: by value whatever that interpreter could not import."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from trimtab.errors import RunnerError


def ship(task: object) -> bytes:
    """Return ``task`` as bytes; raise RunnerError naming the part of it that cannot go to another process.

    What is defined in the user's script or notebook goes by value, and so do modules that were loaded from a path which is
    not on ``sys.path``. The script itself is never imported again: it needs no ``if __name__ == "__main__"``.
    """
    with _by_value(_unimportable()):
        try:
            return cloudpickle.dumps(task)
        except Exception as error:
            raise RunnerError(
                f"{_culprit(task)} cannot be sent to a worker process: {error}; make it where it is used, or use workers=1"
            ) from error


def search_path() -> list[str]:
    """Return ``sys.path`` for an interpreter that may begin in another folder."""
    return [str(Path(entry).absolute()) for entry in sys.path]


def _culprit(task: object) -> str:
    """Return the name of the first attribute of ``task`` that cannot be pickled by itself, or of its type."""
    for name, value in getattr(task, "__dict__", {}).items():
        try:
            cloudpickle.dumps(value)
        except Exception:  # noqa: BLE001 - pickling runs the code of any type
            return f"{type(task).__name__}.{name} (a {type(value).__name__})"
    return type(task).__name__


@contextmanager
def _by_value(modules: list[ModuleType]) -> Generator[None]:
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _unimportable() -> list[ModuleType]:
    """Return the loaded modules of Python source that a fresh interpreter with our ``sys.path`` could not import."""
    registered = cloudpickle.list_registry_pickle_by_value()
    roots = [entry.rstrip(os.sep) + os.sep for entry in search_path()]
    return [
        module
        for name, module in list(sys.modules.items())
        if name != "__main__" and name not in registered and _is_foreign(name, module, roots)
    ]


def _is_foreign(name: str, module: Any, roots: list[str]) -> bool:
    file = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or module.__name__ != name or not isinstance(file, str) or not file.endswith(".py"):
        return False
    stem = file.removesuffix(".py").removesuffix(f"{os.sep}__init__")
    place = name.replace(".", os.sep)
    return not any(stem == root + place for root in roots) and _origin(name) != file


def _origin(name: str) -> str | None:
    """Return the file that an import of ``name`` would find, in a process that has imported nothing yet.

    The finders are asked, not ``sys.path``: an editable install has finders of its own.
    """
    origin, path = None, None
    for end in range(1, len(parts := name.split(".")) + 1):
        full = ".".join(parts[:end])
        specs = (finder.find_spec(full, path) for finder in sys.meta_path if hasattr(finder, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            return None
        origin, path = spec.origin, spec.submodule_search_locations
    return origin
