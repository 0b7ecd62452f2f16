"""Smart home: set points and fresh air of a small office, an hour at a time for a week, on typical weather of a city.

The model is in ``model``, the run in ``engine``, what practitioners do in ``rules``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.building.engine import Reading, Run, SetPoints
from trimtab.systems.building.model import EXTRA, OFFICE, Building
from trimtab.systems.building.rules import COOLING, FRESH, HEATING, RULES
from trimtab.systems.system import Split, System, checked_render_mode

BAND = (20.0, 26.0)
"""Degrees in which people in offices are at ease: category II of EN 16798-1:2019, in winter and in summer."""
PRICE_OF_ELECTRICITY = 0.127
"""Dollars a kWh: about what commercial customers paid in the United States in 2023 (EIA, Electric Power Monthly)."""
PRICE_OF_GAS = 0.036
"""Dollars a kWh: about what they paid for gas, some 11 $ a thousand cubic feet (EIA, Natural Gas Monthly)."""
WAGE = 31.0
"""Dollars an hour, the mean in the United States (BLS, May 2023)."""
PRICE_OF_DISCOMFORT = 0.02 * WAGE
"""Dollars for a person, a degree outside the band and an hour: 2 % of what is done at work are lost a degree (Seppänen, Fisk &
Lei 2006, LBNL-60946)."""
PRICE_OF_STALE_AIR = 0.017 * WAGE
"""Dollars for a person and an hour with half of ``ENOUGH_AIR``: 1.7 % of what is done at work are lost each time that the fresh
air is halved, in offices with 3 to 30 litres a second and person (Wargocki, Wyon, Sundell, Clausen & Fanger 2000)."""
ENOUGH_AIR = 458.0
"""CO2 above that outdoors, ppm, that settles where each person gets the 10 l/s that the office is made for: EnergyPlus's people
breathe out 3.82e-8 m³/s for each of their 120 W. Half the air means twice of it."""
DAYS = 7
_REWARD = 5.0
"""Dollars that make a reward of 1."""
_AHEAD = (0, 1, 2, 3, 4, 6)
"""Hours for which an agent sees how many people are due."""
Action: TypeAlias = "np.ndarray | Sequence[int] | None"


@dataclass(frozen=True, slots=True)
class Weather:
    """The cities and the weeks of the year (0 to 51) of a split."""

    cities: Sequence[str]
    weeks: Sequence[int]


class Office(gymnasium.Env[np.ndarray, Action]):
    """A week of a split, from Monday 0:00. An action indexes ``HEATING``, ``COOLING`` and ``FRESH``; None: as scheduled.

    The cost of an hour is energy, discomfort and stale air, all in dollars.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, building: Building, weather: Weather, split: Split, *, render_mode: str | None = None) -> None:
        self.building = building
        self.weather = weather
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.run: Run | None = None
        features = 2 + 2 + len(_AHEAD) + 2 + 4 + len(building.zones) + 2 + 6
        self.observation_space = spaces.Box(-1.0, 1.0, (features,), np.float32)
        self.action_space = spaces.MultiDiscrete([len(HEATING), len(COOLING), len(FRESH)])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.close()
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        rng = generator(drawn, self.split, "week")
        city, week = str(rng.choice(self.weather.cities)), int(rng.choice(self.weather.weeks))
        self.run = Run(self.building, city, first_day=1 + 7 * week, days=DAYS)
        self.log: list[Reading] = [self.run.start()]
        return self._observe(), {"city": city, "week": week}

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if self.run is None:
            raise ControlError("step: expected a reset before it, got none since the last close")
        set_points = None if action is None else self._set_points(action)
        share_in = self.share_in(0)
        reading = self.run.advance(set_points)
        self.log.append(reading)
        costs = _costs(reading, share_in * self.building.people)
        over = self.hour == 24 * DAYS
        if over:
            self.close()
        return self._observe(), -costs["cost"] / _REWARD, False, over, {"costs": costs}

    @property
    def hour(self) -> int:
        """Hours since Monday, 0:00."""
        return len(self.log) - 1

    @property
    def reading(self) -> Reading:
        """The last reading."""
        return self.log[-1]

    def share_in(self, hours: int) -> float:
        """Return the share of people that will be in in so many ``hours``, by the calendar of the building."""
        return self.building.share_in(self.hour + hours)

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.building.picture import picture

        return picture(self.building, self.log, BAND)

    def close(self) -> None:
        if self.run is not None:
            self.run.close()
            self.run = None

    def _set_points(self, action: Any) -> SetPoints:
        if not self.action_space.contains(np.asarray(action)):
            sizes = f"{len(HEATING)}, {len(COOLING)}, {len(FRESH)}"
            raise ControlError(f"action: expected None or three indices, below {sizes}, got {action!r}")
        heating, cooling, fresh = (int(index) for index in action)
        return SetPoints(HEATING[heating], COOLING[cooling], FRESH[fresh])

    def _observe(self) -> np.ndarray:
        seen = [*self._of_time(), *self._of_weather(), *self._of_zones(), *self._of_equipment()]
        return np.clip(np.array(seen), -1, 1).astype(np.float32)

    def _of_time(self) -> list[float]:
        angle = 2 * math.pi * self.hour / 24
        due = [self.share_in(hours) for hours in _AHEAD]
        until_in = next((hours for hours in range(61) if self.share_in(hours) >= 0.1), 61)
        until_out = next((hours for hours in range(25) if self.share_in(hours) < 0.1), 25)
        weekday = self.hour // 24 % 7
        return [math.sin(angle), math.cos(angle), float(weekday == 5), float(weekday == 6), *due, until_in / 24, until_out / 16]

    def _of_weather(self) -> list[float]:
        outdoor = [reading.outdoor for reading in self.log[-24:]]
        return [outdoor[-1] / 40, (outdoor[-1] - outdoor[max(-4, -len(outdoor))]) / 10, sum(outdoor) / len(outdoor) / 40,
                self.reading.sun / 1000]  # fmt: skip

    def _of_zones(self) -> list[float]:
        zones = self.reading.zones
        return [*((zones - sum(BAND) / 2) / 10), (zones.min() - BAND[0]) / 5, (zones.max() - BAND[1]) / 5]

    def _of_equipment(self) -> list[float]:
        reading = self.reading
        set_points = reading.set_points
        stale = float(reading.stale[-1].mean())
        return [reading.electricity / 20, reading.gas / 50, (set_points.heating - 20) / 5, (set_points.cooling - 26) / 5,
                set_points.fresh, stale / ENOUGH_AIR - 1]  # fmt: skip


def _costs(reading: Reading, people: float) -> dict[str, float]:
    """Return the costs of an hour in which ``people`` were in, as a mean over zones."""
    low, high = BAND
    degrees = float(np.mean(np.maximum(low - reading.course, 0) + np.maximum(reading.course - high, 0)))
    discomfort = degrees * people
    stale = float(np.mean(np.maximum(0, np.log2(np.maximum(reading.stale, 1.0) / ENOUGH_AIR)))) * people
    energy = PRICE_OF_ELECTRICITY * reading.electricity + PRICE_OF_GAS * reading.gas
    return {
        "cost": energy + PRICE_OF_DISCOMFORT * discomfort + PRICE_OF_STALE_AIR * stale,
        "energy": reading.electricity + reading.gas,
        "discomfort": discomfort,
        "stale air": stale,
        "electricity": reading.electricity,
        "gas": reading.gas,
    }


KNOWN = ("Chicago", "Colorado.Springs", "Denver", "Golden", "Fresno", "Newark", "Oklahoma.City", "Orlando", "Phoenix",
         "San.Francisco", "Miami")  # fmt: skip
UNSEEN = ("Boulder", "Las.Vegas", "Sterling", "Tampa", "University.of.Illinois")
"""Cities of the files of weather that come with EnergyPlus."""
WEATHER: dict[Split, Weather] = {
    "train": Weather(KNOWN, [week for week in range(52) if week % 4 != 3]),
    "validation": Weather(KNOWN, [week for week in range(52) if week % 4 == 3]),
    "test": Weather(UNSEEN, range(52)),
}
"""Every fourth week is for validation; for the test there are other cities."""

SYSTEMS: tuple[System, ...] = (
    System(
        name="building/office",
        about="heating, cooling and fresh air of a small office, tested in cities that were not trained on",
        make=lambda split: Office(OFFICE, WEATHER[split], split),
        rules=RULES,
        trusted="setback",
        cost="cost",
        unit="$",
        extra=EXTRA,
        episodes=300,
    ),
)
