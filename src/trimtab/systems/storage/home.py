"""A home in CityLearn: real load, sun, prices and carbon of some days, and its storage, which is told what to do each hour."""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from trimtab.datasets import fetch
from trimtab.errors import MissingExtraError

EXTRA = "storage"
INSTALL = "homes are run by CityLearn: pip install 'trimtab[storage]' and pip install --no-deps citylearn==3.0.2"
DAY = 24
HOURS = 7 * DAY
"""Of an episode."""
BEFORE = DAY
"""Hours before it that the home is watched without a decision, so that there is a yesterday."""
_SPAN = BEFORE + HOURS


@dataclass(frozen=True, slots=True)
class Stay:
    """A week in a home: ``year`` of the challenge it is from, its number there, and the day, from 0, of the week's first hour.

    ``seed``: CityLearn draws from it how efficient and how strong the battery is, where the challenge does not say.
    """

    year: int
    number: int
    day: int
    seed: int


@dataclass(frozen=True, slots=True)
class Record:
    """What a home would be without storage, and what is paid, each hour from a day before the week; shapes (BEFORE + HOURS,).

    ``net``: kWh drawn from the grid, below 0 where the sun gives more. ``sun``: kWh of it. ``hot``: kWh of hot water.
    ``price``: $/kWh. ``carbon``: kg/kWh. ``hour``: 0 to 23. ``weekday``: 1 to 7, and 8 for holidays. ``outdoor``: °C.
    """

    net: np.ndarray
    sun: np.ndarray
    hot: np.ndarray
    price: np.ndarray
    carbon: np.ndarray
    hour: np.ndarray
    weekday: np.ndarray
    outdoor: np.ndarray


class Home:
    """The home of ``stay``, at the first hour of its week."""

    def __init__(self, stay: Stay) -> None:
        self.stay = stay
        self.record = without_storage(stay.year, stay.number, stay.day)
        self._run = _begun(stay)
        self._building = self._run.buildings[0]
        self.net: list[float] = []
        """kWh drawn from the grid in each hour of the week so far."""
        self.charges: list[tuple[float, float]] = [self.charge]
        for _ in range(BEFORE):
            self._advance([0.0] * self.devices)

    @property
    def devices(self) -> int:
        """1: a battery; 2: a battery and a tank of hot water."""
        return len(self._run.action_names[0])

    @property
    def hour(self) -> int:
        """Hours of the week that are over."""
        return len(self.net)

    @property
    def over(self) -> bool:
        """Whether the week is."""
        return self.hour == HOURS

    @property
    def now(self) -> int:
        """The place of the present hour in the record."""
        return BEFORE + self.hour

    @property
    def power(self) -> float:
        """Nominal power of the battery, kW."""
        return float(self._building.electrical_storage.nominal_power)

    @property
    def charge(self) -> tuple[float, float]:
        """The share of the battery and of the tank that is full."""
        now = max(0, int(self._building.time_step) - 1)
        tank = float(self._building.dhw_storage.soc[now]) if self.devices > 1 else 0.0
        return float(self._building.electrical_storage.soc[now]), tank

    def advance(self, shares: Sequence[float]) -> float:
        """Let an hour pass and return the kWh drawn from the grid.

        ``shares``: of the nominal power of the battery, and of the capacity of the tank, below 0 where they give.
        """
        drawn = self._advance([shares[0]] if self.devices == 1 else [shares[1], shares[0]])
        self.net.append(drawn)
        self.charges.append(self.charge)
        return drawn

    def _advance(self, action: list[float]) -> float:
        hour = int(self._building.time_step)
        self._run.step([action])
        return float(self._building.net_electricity_consumption[hour])


def first_days(year: int) -> range:
    """Return the days on which a week may begin."""
    return range(1, 720 // DAY - 7) if year == 2023 else range(1, 364 - 7)


@cache
def without_storage(year: int, number: int, day: int) -> Record:
    """Return the record of a home, from a run of CityLearn in which nothing is stored."""
    run = _begun(Stay(year, number, day, seed=0))
    building = run.buildings[0]
    for _ in range(_SPAN):
        run.step([[0.0] * len(run.action_names[0])])
    told = building.energy_simulation
    return Record(
        net=_numbers(building.net_electricity_consumption_without_storage),
        sun=-_numbers(building.solar_generation),
        hot=_numbers(told.dhw_demand),
        price=_numbers(building.pricing.electricity_pricing),
        carbon=_numbers(building.carbon_intensity.carbon_intensity),
        hour=_numbers(told.hour) % DAY,
        weekday=_numbers(told.day_type),
        outdoor=_numbers(building.weather.outdoor_dry_bulb_temperature),
    )


def _numbers(series: Any) -> np.ndarray:
    return np.asarray(series, dtype=float)[:_SPAN]


def _begun(stay: Stay) -> Any:
    module = _citylearn()
    # the first row of the data is the last hour of a day
    start = 1 + DAY * stay.day - BEFORE
    run = module.CityLearnEnv(
        _schema(stay.year),
        central_agent=True,
        buildings=[f"Building_{stay.number}"],
        simulation_start_time_step=start,
        simulation_end_time_step=start + _SPAN,
        episode_time_steps=_SPAN + 1,
        random_seed=stay.seed,
    )
    run.reset()
    return run


@cache
def _citylearn() -> Any:
    if importlib.util.find_spec("citylearn") is None:
        raise MissingExtraError(f"{INSTALL}; it asks for a torchvision and an old Gymnasium that it does not need")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("citylearn.citylearn")


def _schema(year: int) -> dict[str, Any]:
    """Return the description of the challenge of ``year``; cooling stays with the home, which then is as cool as it wants."""
    folder = _folder(year)
    schema = json.loads((folder / "schema.json").read_text())
    schema["root_directory"] = str(folder)
    schema["actions"]["cooling_device"] = {"active": False}
    return schema


@cache
def _folder(year: int) -> Any:
    return fetch("citylearn") / f"citylearn_challenge_{year}_phase_1"
