"""How lanes are given to directions in practice: for good, by the clock, or by what detectors count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trimtab.systems.lanes.road import LANES, MOST
from trimtab.systems.system import Act, Rule

if TYPE_CHECKING:
    from trimtab.systems.lanes.environment import TidalRoad


@dataclass(frozen=True, slots=True)
class Fixed:
    """``east`` lanes for the east, always."""

    east: int

    def __call__(self, _env: TidalRoad) -> Act:
        return lambda _observation: self.east - 1


@dataclass(frozen=True, slots=True)
class Clock:
    """Most lanes for the east until ``first``, then ``between``, and most for the west from ``second`` on (minutes)."""

    first: int
    second: int
    most: int
    between: int

    def __call__(self, env: TidalRoad) -> Act:
        def act(_observation: object) -> int:
            minute = env.now / 60
            east = self.most if minute < self.first else self.between if minute < self.second else LANES - self.most
            return east - 1

        return act


@dataclass(frozen=True, slots=True)
class Counts:
    """Lanes in proportion to the vehicles that arrived in the last ``minutes`` and ``queue`` times those that stand.

    It changes only if that would lower the load of the fuller direction, vehicles a lane, by the share ``gain``: the rule by
    which reversible lanes are run by detectors (Wolshon & Lambert 2004, NCHRP Synthesis 340).
    """

    minutes: int
    queue: float
    gain: float

    def __call__(self, env: TidalRoad) -> Act:
        def act(_observation: object) -> int:
            loads = [env.arrived(direction, self.minutes) + self.queue * env.queue(direction) for direction in ("east", "west")]
            worst = {east: max(loads[0] / east, loads[1] / (LANES - east)) for east in range(1, MOST + 1)}
            best = min(worst, key=lambda east: worst[east])
            now = env.road.wanted
            return (best if worst[best] < (1 - self.gain) * worst[now] else now) - 1

        return act


FIXED = Fixed(2)
CLOCK = Clock(first=65, second=75, most=4, between=3)
COUNTS = Counts(minutes=3, queue=0.0, gain=0.05)
"""Tuned on training days: ``python -m benchmarks.systems_suite.lanes_tuning``."""

RULES: Mapping[str, Rule] = {"counts": COUNTS, "clock": CLOCK, "fixed": FIXED}
