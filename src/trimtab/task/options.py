"""The options of a TorchTask: each checked where it is given, with an error that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch

from trimtab.errors import TaskError
from trimtab.task.apply import ALIASES, NAMES, check_values
from trimtab.task.reference import REFERENCES


def check_callables(*, build: object, **optional: object) -> None:
    """Raise TaskError if ``build`` or one of ``optional`` (which may be None) cannot be called."""
    for name, value in {"build": build, **optional}.items():
        if not callable(value) and (value is not None or name == "build"):
            raise TaskError(f"{name}: expected a callable, got {value!r}")


def check_counts(**counts: object) -> None:
    """Raise TaskError if one of ``counts`` is neither None nor a positive whole number."""
    for name, value in counts.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise TaskError(f"{name}: expected a positive whole number or None, got {value!r}")


def check_reference(reference: object) -> None:
    """Raise TaskError if there is no reference schedule of this name."""
    if not isinstance(reference, str) or reference not in REFERENCES:
        raise TaskError(f"reference: expected one of {', '.join(REFERENCES)}, got {reference!r}")


def check_setters(setters: Mapping[str, object]) -> None:
    """Raise TaskError for a setter that cannot be called, or that is for a setting which the task applies itself."""
    for name, setter in setters.items():
        if (name in NAMES and name != "dropout") or name in ALIASES:
            raise TaskError(f"setters[{name!r}]: the task applies {name} itself; leave it out, or choose another name")
        if not callable(setter):
            raise TaskError(f"setters[{name!r}]: expected a callable (model, value), got {setter!r}")


def check_defaults(defaults: Mapping[str, Any], known: Mapping[str, object]) -> None:
    """Raise TaskError for a default of a setting that nothing applies, or of a value that it cannot have."""
    for name in defaults:
        if name not in NAMES and name not in known:
            raise TaskError(f"defaults: expected settings out of {', '.join(sorted((*NAMES, *known)))}, got {name!r}")
    check_values("defaults", defaults)


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return ``device``, or by default a GPU if there is one; raise TaskError if it is not there."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise TaskError(f"device: expected 'cpu', 'cuda' or 'mps', got {device!r}: {error}") from None
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(found.type, True):
        raise TaskError(f"device: {device!r} is not available on this machine; leave it out for the best that is")
    return found


def name_of(function: object) -> str | None:
    """Return a name for ``function`` that is the same in every process; None for None."""
    return None if function is None else getattr(function, "__qualname__", type(function).__qualname__)


def digest(described: Mapping[str, Any]) -> str:
    """Return a short text that is the same for equal descriptions, in every process."""
    text = json.dumps(described, sort_keys=True)
    return f"torch-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
