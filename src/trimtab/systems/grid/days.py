"""Days on the grid: load and generation that come with Grid2Op, and what is drawn for an episode on top of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from trimtab.systems.system import Split, simulator

EXTRA = "grid"
MOMENTS = 288
"""Of five minutes each, in a day."""
LOADS = tuple(f"load_{sub}_{index}" for index, sub in enumerate((1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13)))
GENERATORS = tuple(f"gen_{sub}_{index}" for index, sub in enumerate((1, 2, 5, 5, 7, 0)))
EXPOSED = (3, 4, 15, 12, 13, 14)
"""The lines that fail: those that Grid2Op's opponent attacks in its example on this grid (docs, "Opponent Modeling")."""
OUTAGE = 48
"""Moments that an outage lasts: four hours, as an attack of L2RPN's opponent."""


@dataclass(frozen=True, slots=True)
class Day:
    """What is consumed (MW, MVAr) and generated (MW, at kV) at each moment: shapes (MOMENTS, loads or generators)."""

    load_p: np.ndarray
    load_q: np.ndarray
    prod_p: np.ndarray
    prod_v: np.ndarray


@dataclass(frozen=True, slots=True)
class Outage:
    """A line that is lost at a moment, for ``OUTAGE`` moments."""

    line: int
    start: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """An episode: a day, by name and as it was changed, and the outages that nobody knows of before."""

    name: str
    day: Day
    outages: tuple[Outage, ...]


@dataclass(frozen=True, slots=True)
class Stress:
    """What is drawn: the bounds of a factor on all load and generation, and on the number of outages.

    ``spread``: deviation of the logarithm of a further factor, of each load by itself.
    """

    scale: tuple[float, float]
    outages: tuple[int, int]
    spread: float = 0.05


NAMES: Mapping[Split, tuple[str, ...]] = {
    "train": ("0000/0", "0000/1", "2019-01-12", "2019-01-13", "2019-01-14", "2019-01-15"),
    "validation": ("0001/0", "0001/1", "2019-01-16"),
    "test": ("0002/0", "0002/1", "2019-01-17", "2019-01-18"),
}
"""Scenario and day of ``l2rpn_case14_sandbox``, dates of ``educ_case14_storage``: the same grid. All are in January."""


def draw(split: Split, stress: Stress, rng: np.random.Generator) -> Scenario:
    """Return an episode on a day of ``split``."""
    name = str(rng.choice(NAMES[split]))
    scale = float(rng.uniform(*stress.scale))
    own = scale * np.exp(rng.normal(0.0, stress.spread, len(LOADS)))
    found = measured(name)
    day = Day(found.load_p * own, found.load_q * own, found.prod_p * scale, found.prod_v)
    return Scenario(name, day, _outages(int(rng.integers(stress.outages[0], stress.outages[1] + 1)), rng))


def _outages(count: int, rng: np.random.Generator) -> tuple[Outage, ...]:
    """Return ``count`` outages, of which each begins in a part of the day of its own."""
    part = MOMENTS // max(1, count)
    starts = [1 + part * index + int(rng.integers(part - OUTAGE - 1)) for index in range(count)]
    return tuple(Outage(int(rng.choice(EXPOSED)), start) for start in starts)


@cache
def grid2op() -> ModuleType:
    """Return the module grid2op."""
    with warnings.catch_warnings():
        # it asks for numba, which speeds up a power flow that is not used here
        warnings.simplefilter("ignore")
        return simulator("grid2op", EXTRA)


@cache
def measured(name: str) -> Day:
    """Return the day ``name`` as it is in the package of Grid2Op."""
    home = Path(str(grid2op().__file__)).parent / "data"
    scenario, _, half = name.partition("/")
    folder = home / ("l2rpn_case14_sandbox" if half else "educ_case14_storage") / "chronics" / scenario
    first = MOMENTS * int(half or 0)
    columns = {"load_p": LOADS, "load_q": LOADS, "prod_p": GENERATORS, "prod_v": GENERATORS}
    return Day(**{kind: _table(folder, kind, names)[first : first + MOMENTS] for kind, names in columns.items()})


def _table(folder: Path, kind: str, names: tuple[str, ...]) -> np.ndarray:
    import pandas as pd

    table: Any = pd.read_csv(folder / f"{kind}.csv.bz2", sep=";")
    return table[list(names)].to_numpy(dtype=float)
