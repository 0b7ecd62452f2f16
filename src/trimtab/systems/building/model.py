"""Models of buildings and the weather they stand in, both as they come with EnergyPlus, made ready for a few days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from trimtab.errors import ControlError
from trimtab.systems.system import simulator

EXTRA = "building"
STEPS_AN_HOUR = 4
OUTDOOR_CO2 = 420.0
"""Parts per million."""
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WITH_CO2 = f"""
  ZoneAirContaminantBalance, Yes, Outdoor CO2, No;
  Schedule:Constant, Outdoor CO2, , {OUTDOOR_CO2};
"""
_SIZED_BY_WEATHER = """
  SizingPeriod:WeatherFileConditionType, Hot, SummerExtreme, SummerDesignDay, No, No;
  SizingPeriod:WeatherFileConditionType, Cold, WinterExtreme, WinterDesignDay, No, No;
"""


@dataclass(frozen=True, slots=True)
class Building:
    """A model of EnergyPlus's: the names of its schedules, its heated zones, and the share of its people that is in.

    ``weekday``, ``saturday``: of each hour of such a day; on Sundays nobody is in. ``people``: when all are.
    """

    model: str
    heating: str
    cooling: str
    fans: str
    fresh: str
    occupancy: str
    zones: Sequence[str]
    weekday: Sequence[float]
    saturday: Sequence[float]
    people: float

    def share_in(self, hour: int) -> float:
        """Return the share of people that is in at ``hour`` of the week, which begins on Monday at 0:00."""
        day, of_day = divmod(hour % 168, 24)
        if day == 6:
            return 0.0
        return (self.saturday if day == 5 else self.weekday)[of_day]


OFFICE = Building(
    model="RefBldgSmallOfficeNew2004_Chicago.idf",
    heating="HTGSETP_SCH",
    cooling="CLGSETP_SCH",
    fans="HVACOperationSchd",
    fresh="MinOA_Sched",
    occupancy="BLDG_OCC_SCH",
    zones=("Core_ZN", "Perimeter_ZN_1", "Perimeter_ZN_2", "Perimeter_ZN_3", "Perimeter_ZN_4"),
    weekday=(0,) * 6 + (0.1, 0.2) + (0.95,) * 4 + (0.5,) + (0.95,) * 4 + (0.3,) + (0.1,) * 2 + (0.05,) * 4,
    saturday=(0,) * 6 + (0.1,) * 2 + (0.3,) * 4 + (0.1,) * 5 + (0,) * 7,
    people=27.5,
)
"""The small office of the US Department of Energy's reference buildings: one storey of 511 m², five zones, each with a gas
burner and an air conditioner (Deru et al. 2011, NREL/TP-5500-46861)."""


def weather(city: str) -> Path:
    """Return the file of the typical year (TMY3) of ``city``."""
    return _only("weather", f"*{city}*.epw")


def text(building: Building, *, first_day: int, days: int) -> str:
    """Return the model of ``building``, to be run for ``days`` days from ``first_day`` of the year, which is a Monday.

    Its equipment is sized by the hottest and the coldest week of the weather it stands in, and not by Chicago's. There are no
    holidays, and clocks show winter time, so that each week has the same hours.
    """
    found = _with(_model(building.model), "Day of Week for Start Day", "Monday")
    for name, day in (("Begin", first_day), ("End", first_day + days - 1)):
        month, of_month = _date(day)
        found = _with(_with(found, f"{name} Month", str(month)), f"{name} Day of Month", str(of_month))
    return found


@cache
def _model(name: str) -> str:
    found = _only("model", name).read_text(encoding="latin-1")
    for kind in ("SizingPeriod:DesignDay", "RunPeriodControl:DaylightSavingTime", "RunPeriodControl:SpecialDays"):
        found = _without(found, kind)
    for kind in ("Output:Variable", "Output:Meter", "Output:Table:SummaryReports", "Output:SQLite", "Output:Surfaces:Drawing"):
        found = _without(found, kind)
    found = _with(found, "Run Simulation for Sizing Periods", "No")
    found = _with(found, "Run Simulation for Weather File Run Periods", "Yes")
    return re.sub(r"Timestep,\s*\d+;", f"Timestep,{STEPS_AN_HOUR};", found) + _SIZED_BY_WEATHER + _WITH_CO2


def _with(model: str, field: str, value: str) -> str:
    """Return ``model`` with ``value`` in the first field that is called ``field``."""
    return re.sub(rf"[^\s,]+([,;]\s*!- {field}\b)", lambda found: value + found[1], model, count=1)


def _without(model: str, kind: str) -> str:
    return re.sub(rf"^ *{kind},[^;]*;[^\n]*\n", "", model, flags=re.MULTILINE)


def _date(day: int) -> tuple[int, int]:
    """Return month and day of month of ``day`` of the year, both counted from 1."""
    for month, length in enumerate(_MONTHS, 1):
        if day <= length:
            return month, day
        day -= length
    raise ValueError(f"day: expected one of a year, got {day} days after it")


def _only(folder: str, pattern: str) -> Path:
    home = Path(str(simulator("pyenergyplus", extra=EXTRA).__file__)).parent / "data" / folder
    found = sorted(home.glob(pattern))
    if not found:
        raise ControlError(f"expected a file {pattern} in {home}, got none")
    return found[0]
