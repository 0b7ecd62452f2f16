"""What the moves of each head are worth before anything is learned."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from trimtab.errors import AgentError


def head_values(name: str, given: Any, heads: tuple[int, ...]) -> list[np.ndarray]:
    """Return one array of values a head, from one number for all moves or a sequence of numbers for each head.

    >>> [values.tolist() for values in head_values("prior", [[0, 1], [2, 3, 4]], heads=(2, 3))]
    [[0.0, 1.0], [2.0, 3.0, 4.0]]
    """
    if isinstance(given, Real):
        values = [np.full(moves, float(given)) for moves in heads]
    elif isinstance(given, Sequence) and len(given) == len(heads):
        values = [np.asarray(row, dtype=np.float64) for row in given]
    else:
        raise AgentError(f"{name}: expected a number or one sequence of numbers for each of {len(heads)} heads, got {given!r}")
    for index, (row, moves) in enumerate(zip(values, heads, strict=True)):
        if row.shape != (moves,) or not np.isfinite(row).all():
            raise AgentError(f"{name}[{index}]: expected {moves} finite numbers, got {row.tolist()}")
    return values


def no_spreads(heads: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Return zeros for the moves of each head: the spreads of a single learner, read-only since all decisions share them."""
    spreads = tuple(np.zeros(moves) for moves in heads)
    for each in spreads:
        each.setflags(write=False)
    return spreads
