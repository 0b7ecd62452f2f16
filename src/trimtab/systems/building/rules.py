"""How offices are heated and cooled: by the schedule that the building came with, or by a setback that was tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.systems.system import Act, Rule

HEATING = (15.0, 17.0, 19.0, 20.0, 20.5, 21.0, 22.0)
COOLING = (24.0, 25.0, 25.5, 26.0, 27.0, 28.0, 30.0)
"""Set points that may be chosen, °C. The highest for heating is below the lowest for cooling: EnergyPlus ends otherwise."""


def schedule(_env: Any) -> Act:
    """Leave all to the building's own schedule: 21 and 24 °C from 6 to 22 o'clock (Saturdays to 18), else 15.6 and 26.7 °C."""
    return lambda _observation: None


@dataclass(frozen=True, slots=True)
class Setback:
    """One pair of set points while people are in, another one while they are not.

    People count as in when at least ``share`` of them are, or will be within ``lead`` hours: the building is made ready for
    them. It is the occupied, warm-up, cool-down and setback modes of ASHRAE Guideline 36, with a fixed time of warm-up.
    """

    heating_in: float
    heating_out: float
    cooling_in: float
    cooling_out: float
    lead: int
    share: float

    def __call__(self, env: Any) -> Act:
        occupied = move(self.heating_in, self.cooling_in)
        empty = move(self.heating_out, self.cooling_out)

        def act(_observation: Any) -> np.ndarray:
            coming = max(env.share_in(hours) for hours in range(self.lead + 1))
            return occupied if coming >= self.share else empty

        return act


def move(heating: float, cooling: float) -> np.ndarray:
    """Return the action of two set points that may be chosen."""
    return np.array([HEATING.index(heating), COOLING.index(cooling)])


SETBACK = Setback(heating_in=20.0, heating_out=15.0, cooling_in=26.0, cooling_out=30.0, lead=0, share=0.05)
"""Tuned on the training cities and weeks by ``python -m benchmarks.systems_suite.building_tuning``."""

RULES: Mapping[str, Rule] = {"setback": SETBACK, "schedule": schedule}
