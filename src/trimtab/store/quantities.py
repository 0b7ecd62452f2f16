"""What a model costs besides its error: figures of the path that leads to a node, by name; the lower the better."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from trimtab.env.reward import generalisation_gap
from trimtab.errors import StudyError
from trimtab.store.records import Node


def seconds(path: Sequence[Node]) -> float:
    """Return the seconds of training and evaluation on ``path``."""
    return sum(node.after.seconds for node in path)


KNOWN: Mapping[str, Callable[[Sequence[Node]], float]] = {
    "parameters": lambda path: float(path[-1].after.parameters or math.nan),
    "latency": lambda path: path[-1].after.latency or math.nan,
    "seconds": seconds,
    "gap": lambda path: generalisation_gap(path[-1].after),
}
"""Weights of the model; seconds that it takes for an example; seconds of training that led to it; generalisation gap, that is
log(validation loss / train loss) where it is positive. Any validation metric is a quantity too."""


def quantity(name: str, path: Sequence[Node]) -> float:
    """Return ``name`` of the model at the end of ``path``; raise StudyError if the task does not measure it."""
    value = KNOWN[name](path) if name in KNOWN else path[-1].after.metrics.get(name, math.nan)
    if math.isnan(value):
        known = ", ".join((*KNOWN, *path[-1].after.metrics))
        raise StudyError(f"{name!r}: the task does not measure it; a quantity is one of {known}")
    return float(value)
