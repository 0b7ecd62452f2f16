"""What is asked of a model besides a low error, checked before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.errors import StudyError
from trimtab.store.quantities import KNOWN
from trimtab.task import Task


def check_limits(limits: Mapping[str, float], task: Task[Any]) -> dict[str, float]:
    """Return ``limits`` as plain floats; raise StudyError for a quantity that ``task`` has not, or for no positive number."""
    if not isinstance(limits, Mapping):
        raise StudyError(f"limits: expected quantities with their most, such as {{'parameters': 1e5}}, got {limits!r}")
    for name, most in limits.items():
        _check_name(f"limits[{name!r}]", name, task)
        if isinstance(most, bool) or not isinstance(most, (int, float)) or not 0 < most < math.inf:
            raise StudyError(f"limits[{name!r}]: expected a positive number, got {most!r}")
    return {name: float(most) for name, most in limits.items()}


def check_objectives(objectives: Sequence[str], task: Task[Any]) -> tuple[str, ...]:
    """Return ``objectives``; raise StudyError for one that ``task`` does not measure, or that is the goal itself."""
    if isinstance(objectives, str) or not isinstance(objectives, Sequence):
        raise StudyError(f"objectives: expected a list of quantities such as ['seconds'], got {objectives!r}")
    for name in objectives:
        _check_name("objectives", name, task)
        if name == task.goal.metric:
            raise StudyError(f"objectives: {name!r} is the goal already; name what is to be low beside it")
    if len(set(objectives)) < len(objectives):
        raise StudyError(f"objectives: expected different ones, got {', '.join(objectives)}")
    return tuple(objectives)


def _check_name(argument: str, name: object, task: Task[Any]) -> None:
    """Raise StudyError unless ``name`` may be a quantity; a task that does not say what it measures is asked when it has."""
    metrics = getattr(task, "metrics", None)
    if not isinstance(name, str) or (isinstance(metrics, Mapping) and name not in KNOWN and name not in ("loss", *metrics)):
        known = ", ".join((*KNOWN, "loss", *(metrics if isinstance(metrics, Mapping) else ())))
        raise StudyError(f"{argument}: expected one of {known}, got {name!r}")
