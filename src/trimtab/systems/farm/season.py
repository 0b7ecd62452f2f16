"""One season of maize in AquaCrop, day by day: what is measured in the field, and what is harvested.

AquaCrop is FAO's model of yield response to water (Steduto et al. 2009); this is AquaCrop-OSPy (Kelly & Foster 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from trimtab.systems.system import simulator

EXTRA = "farm"
SOIL = "SiltClayLoam"
MATURITY = 132
"""Days from sowing to maturity of AquaCrop's maize, which counts calendar days."""
HARVEST_INDEX = 0.48
"""Grain per above-ground biomass of maize that lacks nothing."""
DEEPEST_ROOTS = 2.3
"""Metres; as deep as the soil that is simulated."""
_FULL_SUPPLY = 80
"""Percent of the available water below which the season without want is watered."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where maize grows: a weather file of AquaCrop's and the day of sowing, month/day."""

    weather: str
    sowing: str


@dataclass(frozen=True, slots=True)
class Water:
    """Water within reach of the roots, in mm: how much is missing to field capacity, and how much there is at that."""

    depletion: float
    available: float

    @property
    def share(self) -> float:
        """The share of the available water that is used up."""
        return self.depletion / self.available if self.available > 0 else 0.0


class Season:
    """A field in ``year``, sown into a soil that holds ``moisture`` percent of its available water.

    ``rain``: the share of the measured rain that falls, for drier seasons than any that was measured.
    """

    def __init__(self, site: Site, year: int, moisture: float, rain: float = 1.0) -> None:
        self.site = site
        self.year = year
        self.moisture = moisture
        self.rain = rain
        self.irrigation = 0.0
        aquacrop = simulator("aquacrop", extra=EXTRA)
        self._model = _model(site, year, moisture, rain, aquacrop.IrrigationManagement(irrigation_method=5, MaxIrr=1e3))
        self._model._initialize()  # noqa: SLF001  # the public way to start runs the first day too

    def advance(self, millimetres: float) -> None:
        """Let a day pass on which ``millimetres`` of water are given."""
        self._parameters.IrrMngt.depth = float(millimetres)
        self._model.run_model(num_steps=1, initialize_model=False)
        self.irrigation += millimetres

    @property
    def over(self) -> bool:
        """Whether the crop is ripe, or dead."""
        return bool(self._clock.model_is_finished)

    @property
    def state(self) -> Any:
        """AquaCrop's state of the field (its ``InitialCondition``), which it keeps to itself."""
        return self._model._init_cond  # noqa: SLF001

    @property
    def days(self) -> int:
        """Days since sowing."""
        return int(self._clock.time_step_counter) + self.over

    @property
    def stage(self) -> int:
        """The stage of growth that AquaCrop's soil-moisture targets go by.

        0: to 10 % of canopy, 1: to full canopy, 2: to senescence, 3: after it.
        """
        return max(int(self.state.growth_stage), 1) - 1

    @property
    def grain(self) -> float:
        """Dry grain so far, in tonnes a hectare."""
        return float(self.state.DryYield)

    @property
    def lost(self) -> float:
        """Grain that want of water has cost so far, in tonnes a hectare, from the biomass that is missing."""
        return float(self.state.biomass_ns - self.state.biomass) * HARVEST_INDEX / 100

    def water(self) -> Water:
        """Return the water within reach of the roots this morning."""
        return self._water(float(self.state.z_root))

    def water_of_the_soil(self) -> Water:
        """Return the water of all the soil that roots can come to."""
        return self._water(DEEPEST_ROOTS)

    def weather(self, days: int) -> np.ndarray:
        """Return the weather of the last ``days`` days since sowing, shape (days, 4).

        Columns: lowest and highest temperature (°C), rain (mm), reference evapotranspiration (mm).
        """
        all_days = self._model._weather  # noqa: SLF001
        return np.asarray(all_days[max(0, self.days - days) : self.days, :4], float)

    @property
    def _parameters(self) -> Any:
        return self._model._param_struct  # noqa: SLF001

    @property
    def _clock(self) -> Any:
        return self._model._clock_struct  # noqa: SLF001

    def _water(self, depth: float) -> Water:
        soil, crop = self._parameters.Soil, self._parameters.Seasonal_Crop_List[0]
        measure = simulator("aquacrop.solution.root_zone_water", extra=EXTRA).root_zone_water
        found = measure(soil.Profile, depth, self.state.th, soil.z_top, float(crop.Zmin), crop.Aer)
        return Water(float(found[2]), float(found[4]))


@cache
def potential(site: Site, year: int) -> float:
    """Return the dry grain, in tonnes a hectare, of a season in which water never runs short."""
    aquacrop = simulator("aquacrop", extra=EXTRA)
    supply = aquacrop.IrrigationManagement(irrigation_method=4, NetIrrSMT=_FULL_SUPPLY)
    model = _model(site, year, 100.0, 1.0, supply)
    model.run_model(till_termination=True)
    return float(model._init_cond.DryYield)  # noqa: SLF001


def _model(site: Site, year: int, moisture: float, rain: float, supply: Any) -> Any:
    aquacrop = simulator("aquacrop", extra=EXTRA)
    weather = _weather(site.weather, year)
    return aquacrop.AquaCropModel(
        f"{year}/{site.sowing}",
        f"{year}/12/31",
        weather.assign(Precipitation=rain * weather.Precipitation),
        aquacrop.Soil(SOIL),
        aquacrop.Crop("Maize", planting_date=site.sowing),
        aquacrop.InitialWaterContent(wc_type="Pct", value=[moisture]),
        irrigation_management=supply,
    )


@cache
def _weather(file: str, year: int) -> Any:
    days = _all_weather(file)
    return days[days.Date.dt.year == year].reset_index(drop=True)


@cache
def _all_weather(file: str) -> Any:
    utils = simulator("aquacrop.utils", extra=EXTRA)
    return utils.prepare_weather(utils.get_filepath(file))
