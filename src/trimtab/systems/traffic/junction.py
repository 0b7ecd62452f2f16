"""A junction with signals: its green phases, its movements, and which movements each phase serves. Nothing here runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np

LONGEST_YELLOW = 5.0
"""Seconds: a decision."""


@dataclass(frozen=True)
class Junction:
    """A junction. ``phases``: the states of its green phases, a letter a link, in the order of its own program.

    ``yellow``: seconds of it. ``links``: (lane before, lane after) of each link. ``movements``: pairs of edges (before,
    after); ``movement_of[link]`` is the index of the one that the link belongs to, ``lane_of[link]`` of its lane in ``lanes``.
    """

    name: str
    phases: tuple[str, ...]
    yellow: float
    links: tuple[tuple[str, str], ...]

    @cached_property
    def movements(self) -> tuple[tuple[str, str], ...]:
        """Pairs of edges (before, after) that the links join, in the order of links."""
        return tuple(dict.fromkeys((edge_of(before), edge_of(after)) for before, after in self.links))

    @cached_property
    def movement_of(self) -> tuple[int, ...]:
        """The movement of each link."""
        return tuple(self.movements.index((edge_of(before), edge_of(after))) for before, after in self.links)

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """The lanes that end here, in the order of links."""
        return tuple(dict.fromkeys(before for before, _ in self.links))

    @cached_property
    def serves(self) -> np.ndarray:
        """Which links have the right of way in which phase: 0 or 1, shape (phases, links).

        A movement that may go but has to give way ("g") counts where no phase gives it more.
        """
        first = np.array([[letter == "G" for letter in phase] for phase in self.phases], dtype=float)
        second = np.array([[letter == "g" for letter in phase] for phase in self.phases], dtype=float)
        return np.where(first.any(0), first, second)

    @cached_property
    def lane_of(self) -> tuple[int, ...]:
        """The lane of each link, as an index into ``lanes``."""
        return tuple(self.lanes.index(before) for before, _ in self.links)

    @cached_property
    def serves_lanes(self) -> np.ndarray:
        """Which lanes have the right of way for some link in which phase: shape (phases, lanes)."""
        found = np.zeros((len(self.phases), len(self.lanes)))
        for link, lane in enumerate(self.lane_of):
            found[:, lane] = np.maximum(found[:, lane], self.serves[:, link])
        return found

    @cached_property
    def serves_movements(self) -> np.ndarray:
        """Which movements have the right of way in which phase: shape (phases, movements)."""
        found = np.zeros((len(self.phases), len(self.movements)))
        for link, movement in enumerate(self.movement_of):
            found[:, movement] = np.maximum(found[:, movement], self.serves[:, link])
        return found


def edge_of(lane: str) -> str:
    """Return the edge that ``lane`` is part of."""
    return lane.rpartition("_")[0]


def changeover(before: str, after: str) -> str:
    """Return the state between two: yellow for links that lose the green, and nobody gains it yet.

    >>> changeover("GGrgs", "Grgrs")
    'Gyrys'
    """
    return "".join(_between(old, new) for old, new in zip(before, after, strict=True))


def _between(old: str, new: str) -> str:
    if old in "Gg":
        return old if new in "Gg" else "y"
    return "s" if old == new == "s" else "r"


def green_phases(states: Sequence[str]) -> tuple[str, ...]:
    """Return the states in which somebody has the green and nobody yellow, without repetitions.

    >>> green_phases(["GGrr", "yyrr", "rrGG", "rryy", "GGrr"])
    ('GGrr', 'rrGG')
    """
    return tuple(dict.fromkeys(state for state in states if "y" not in state and {"G", "g"} & set(state)))


def read_junctions(api: ModuleType) -> tuple[Junction, ...]:
    """Return the junctions of the simulation that runs."""
    return tuple(_read(api, name) for name in api.trafficlight.getIDList())


def _read(api: ModuleType, name: str) -> Junction:
    phases = api.trafficlight.getAllProgramLogics(name)[0].phases
    yellow = max((float(phase.duration) for phase in phases if "y" in phase.state), default=3.0)
    links = tuple((link[0][0], link[0][1]) for link in api.trafficlight.getControlledLinks(name))
    return Junction(name, green_phases([phase.state for phase in phases]), min(yellow, LONGEST_YELLOW), links)
