"""How storage in homes is run: by the clock, as CityLearn's rules are, or by what the meter shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trimtab.systems.system import Act, Rule

if TYPE_CHECKING:
    from trimtab.systems.storage.environment import Storage

FOLLOW, SAVE, HALF = "follow", "save", "half"
"""Draw nothing from the grid and give it nothing; keep what the sun gives and use none of it; cover half of what is needed."""
BATTERY: tuple[str | float, ...] = (FOLLOW, SAVE, HALF, -0.5, -0.25, -0.1, 0.0, 0.06, 0.12, 0.25, 0.5)
"""What a battery may be told: how to follow the meter, or a share of its nominal power, below 0 where it gives."""
TANK: tuple[float, ...] = (-1.0, 0.0, 0.1, 0.25, 0.5)
"""What a tank may be told: the share of its capacity to heat within the hour, or to give as much as is asked for (-1)."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the battery's nominal power and of the tank's capacity, where a rule names such as are on no list."""

    battery: float
    tank: float


def by_clock(shares: Callable[[int], float]) -> Rule:
    """Return the rule that tells all storage the same share, by the hour of the day (1 to 24, as CityLearn counts them)."""

    def rule(env: Storage) -> Act:
        def act(_observation: object) -> Shares:
            share = shares(int(env.home.record.hour[env.home.now]) or 24)
            return Shares(share, share)

        return act

    return rule


def basic(hour: int) -> float:
    """``BasicRBC`` of CityLearn (``citylearn/agents/rbc.py``), which its challenges name: filled by night, used by day."""
    return -0.08 if 9 <= hour <= 21 else 0.091


def optimized(hour: int) -> float:
    """``OptimizedRBC`` of CityLearn: the same with shares from a grid search."""
    if hour <= 6:
        return 0.05532
    if hour >= 23:
        return 0.034
    return -0.044 if 16 <= hour <= 18 else -0.024 if hour >= 19 else -0.02


def basic_battery(hour: int) -> float:
    """``BasicBatteryRBC`` of CityLearn: filled while there is sun, used in the rest of the day."""
    return 0.11 if 6 <= hour <= 14 else -0.067


def self_consumption(env: Storage) -> Act:
    """Store what the sun gives too much and use it as soon as it is needed: how batteries in homes are sold."""

    def act(_observation: object) -> np.ndarray:
        spare = env.home.record.net[env.home.now] < 0
        return env.told(FOLLOW, 0.25 if spare else -1.0)

    return act


def half(env: Storage) -> Act:
    """Cover half of what is needed, so that the rest of the day has its part: the simplest way to shave peaks."""

    def act(_observation: object) -> np.ndarray:
        return env.told(HALF, -1.0)

    return act


RULES: Mapping[str, Rule] = {
    "self-consumption": self_consumption,
    "half": half,
    "basic-rbc": by_clock(basic),
    "optimized-rbc": by_clock(optimized),
    "basic-battery-rbc": by_clock(basic_battery),
}
