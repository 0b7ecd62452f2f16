"""Ways to split substations: which elements are on which of the two busbars, one substation at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Split:
    """A way to connect all elements of the substation ``sub``: ``busbars``, 1 or 2, of those at ``places`` of the topology."""

    sub: int
    places: tuple[int, ...]
    busbars: tuple[int, ...]

    def change(self, topology: np.ndarray) -> dict[str, Any]:
        """Return the change of Grid2Op that makes it; ends of lines that are out are left alone, or they would be connected."""
        busbars = np.where(topology[list(self.places)] > 0, self.busbars, 0)
        return {"set_bus": {"substations_id": [(self.sub, busbars.astype(np.int32))]}}

    @property
    def whole(self) -> bool:
        """Whether all is on one busbar, as it is at the beginning."""
        return set(self.busbars) == {1}


def splits(grid: Any) -> tuple[Split, ...]:
    """Return the ways to connect each substation of ``grid``, all on one busbar being the first of each."""
    starts = np.concatenate([[0], np.cumsum(grid.sub_info)])
    ends = {*grid.line_or_pos_topo_vect.tolist(), *grid.line_ex_pos_topo_vect.tolist()}
    found: list[Split] = []
    for sub in range(grid.n_sub):
        places = tuple(range(int(starts[sub]), int(starts[sub + 1])))
        lines = np.array([place in ends for place in places])
        found += [Split(sub, places, busbars) for busbars in _ways(lines)]
    return tuple(found)


def _ways(lines: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Yield the busbars of each way: two or more elements on one that is used, of which one at least is a line.

    The first element is on the first busbar: the two are alike. ``lines``: whether an element is the end of a line.
    """
    for rest in product((1, 2), repeat=len(lines) - 1):
        busbars = np.array([1, *rest])
        used = [busbars == busbar for busbar in set(busbars.tolist())]
        if len(used) == 1 or all(on.sum() >= 2 and lines[on].any() for on in used):
            yield (1, *rest)


def topologies(candidates: tuple[Split, ...], topology: np.ndarray) -> np.ndarray:
    """Return the topology after each of ``candidates``, shape (candidates, elements); what is out stays out."""
    found = np.repeat(topology[None], len(candidates), 0)
    for row, split in zip(found, candidates, strict=True):
        row[list(split.places)] = split.busbars
    found[:, topology < 0] = -1
    return found
