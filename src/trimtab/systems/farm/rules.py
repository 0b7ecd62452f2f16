"""How farmers irrigate maize: not at all, by the calendar, or by the moisture of the soil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.systems.system import Act, Rule

DEPTHS = (0, 10, 20, 30, 40)
"""Millimetres that may be given at a decision."""
DAYS = 2
"""Days from a decision to the next: what a centre pivot takes for a round."""


def rainfed(_env: Any) -> Act:
    """Never irrigate."""
    return lambda _observation: 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """Give ``depth`` mm every ``interval`` days, first on the day of sowing: AquaCrop's irrigation method 2."""

    interval: int
    depth: int

    def __call__(self, env: Any) -> Act:
        return lambda _observation: move(self.depth) if env.season.days % self.interval < DAYS else 0


@dataclass(frozen=True, slots=True)
class SoilMoisture:
    """Fill the soil up when less is left of the available water than the target of the stage of growth, in percent.

    AquaCrop's irrigation method 1 (``aquacrop/solution/irrigation.py``): what is missing, at most ``most`` mm a time. Two
    things differ: it looks at every decision and not every day, and it does not know the rain of the day itself.
    """

    targets: Sequence[float]
    most: int

    def __call__(self, env: Any) -> Act:
        def act(_observation: Any) -> int:
            water = env.season.water()
            dry = water.share > 1 - self.targets[env.season.stage] / 100
            return move(min(self.most, water.depletion)) if dry else 0

        return act


def move(millimetres: float) -> int:
    """Return the index of the largest depth that is not above ``millimetres``."""
    return max(index for index, depth in enumerate(DEPTHS) if depth <= max(0.0, millimetres))


CALENDAR = Calendar(interval=12, depth=30)
SOIL_MOISTURE = SoilMoisture(targets=(55, 65, 35, 20), most=40)
CALENDAR_OF_DROUGHT = Calendar(interval=12, depth=40)
SOIL_MOISTURE_OF_DROUGHT = SoilMoisture(targets=(60, 70, 40, 20), most=30)
"""All tuned on training seasons, the latter two on those with less rain: ``python -m benchmarks.systems_suite.farm_tuning``."""

RULES: Mapping[str, Rule] = {"soil-moisture": SOIL_MOISTURE, "calendar": CALENDAR, "rainfed": rainfed}
RULES_OF_DROUGHT: Mapping[str, Rule] = {
    "soil-moisture": SOIL_MOISTURE_OF_DROUGHT,
    "calendar": CALENDAR_OF_DROUGHT,
    "rainfed": rainfed,
}
