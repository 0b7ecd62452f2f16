"""How offices are heated, cooled and aired: by the schedule that the building came with, or by a setback that was tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.systems.system import Act, Rule

HEATING = (15.0, 17.0, 19.0, 20.0, 20.5, 21.0, 22.0)
COOLING = (24.0, 25.0, 25.5, 26.0, 27.0, 28.0, 30.0)
"""Set points that may be chosen, °C. The highest for heating is below the lowest for cooling: EnergyPlus ends otherwise."""

FRESH = (0.0, 0.3, 0.6, 1.0)
"""Shares of the fresh air that the building is made for, 10 l/s a person when all are in. At 0 the fans do not run for it."""


def schedule(_env: Any) -> Act:
    """Leave all to the building's own schedule: 21 and 24 °C from 6 to 22 o'clock (Saturdays to 18), else 15.6 and 26.7 °C.

    Fans run and bring all the fresh air from 6 (the air from 7) to 22 o'clock, on Saturdays to 18.
    """
    return lambda _observation: None


@dataclass(frozen=True, slots=True)
class Setback:
    """One pair of set points while people are in, another one while they are not; fresh air while there are enough of them.

    People count as in when at least ``share`` of them are, or will be within ``lead`` hours: the building is made ready for
    them. It is the occupied, warm-up, cool-down and setback modes of ASHRAE Guideline 36, with a fixed time of warm-up.
    The share ``fresh`` of the air is brought in while at least ``fresh_from`` of the people are in.
    """

    heating_in: float
    heating_out: float
    cooling_in: float
    cooling_out: float
    lead: int
    share: float
    fresh: float = 1.0
    fresh_from: float = 0.05

    def __call__(self, env: Any) -> Act:
        occupied = (self.heating_in, self.cooling_in)
        empty = (self.heating_out, self.cooling_out)

        def act(_observation: Any) -> np.ndarray:
            coming = max(env.share_in(hours) for hours in range(self.lead + 1))
            fresh = self.fresh if env.share_in(0) >= self.fresh_from else 0.0
            return move(*(occupied if coming >= self.share else empty), fresh)

        return act


def move(heating: float, cooling: float, fresh: float) -> np.ndarray:
    """Return the action of two set points and a share of fresh air that may be chosen."""
    return np.array([HEATING.index(heating), COOLING.index(cooling), FRESH.index(fresh)])


SETBACK = Setback(
    heating_in=21.0, heating_out=15.0, cooling_in=25.5, cooling_out=30.0, lead=0, share=0.05, fresh=1.0, fresh_from=0.5
)
"""Tuned on the training cities and weeks by ``python -m benchmarks.systems_suite.building_tuning``."""

RULES: Mapping[str, Rule] = {"setback": SETBACK, "schedule": schedule}
