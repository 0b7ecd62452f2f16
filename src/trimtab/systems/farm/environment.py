"""Agriculture: irrigation of maize, a decision every second day of a season of AquaCrop on real weather.

The season itself is in ``season``, what farmers do in ``rules``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.farm.rules import DAYS, DEPTHS, RULES, RULES_OF_DROUGHT
from trimtab.systems.farm.season import DEEPEST_ROOTS, EXTRA, MATURITY, Season, Site, potential
from trimtab.systems.system import Split, System, checked_render_mode

PRICE_OF_GRAIN = 180.0
"""Dollars a tonne; this and the next as in Kelly, Foster & Schultz (2024), Smart Agricultural Technology 7:100403, whose
code (github.com/aquacropos/aquacrop-gym) also has the soil and the mean moisture at sowing."""
PRICE_OF_WATER = 1.0
"""Dollars for a millimetre on a hectare."""
MOISTURE = (50.0, 90.0)
"""Percent of the available water that the soil holds at sowing, drawn between these."""
_REWARD = 200.0
"""Dollars a hectare that make a reward of 1."""
FEATURES = 30


@dataclass(frozen=True, slots=True)
class Seasons:
    """The years of a split at a site, and the share of the measured rain that falls, drawn between two bounds."""

    site: Site
    years: Sequence[int]
    rain: tuple[float, float] = (1.0, 1.0)


class Maize(gymnasium.Env[np.ndarray, int | np.integer[Any]]):
    """A season of a split, drawn with the moisture at sowing. An action is an index into ``DEPTHS``."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, seasons: Seasons, split: Split, *, render_mode: str | None = None) -> None:
        self.seasons = seasons
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(len(DEPTHS))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        rng = generator(drawn, self.split, "season")
        year, moisture = int(rng.choice(self.seasons.years)), float(rng.uniform(*MOISTURE))
        self.season = Season(self.seasons.site, year, moisture, float(rng.uniform(*self.seasons.rain)))
        self.potential = potential(self.seasons.site, year)
        self.given: list[int] = []
        self.log = [self._moment()]
        return self._observe(), {"year": year, "moisture": moisture}

    def step(self, action: int | np.integer[Any]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if action not in self.action_space:
            raise ControlError(f"action: expected an index into the depths {DEPTHS} mm, got {action!r}")
        gap, depth = self._gap(), DEPTHS[int(action)]
        self.given.append(depth)
        self._advance(depth)
        more = self._gap() - gap
        loss = PRICE_OF_GRAIN * more + PRICE_OF_WATER * depth
        costs = {"loss": loss, "water": float(depth), "yield gap": more}
        return self._observe(), -loss / _REWARD, self.season.over, False, {"costs": costs}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.farm.picture import picture

        return picture(self.season, self.log, self.potential)

    def _advance(self, depth: int) -> None:
        for day in range(DAYS):
            self.season.advance(depth if day == 0 else 0)
            self.log.append(self._moment(depth if day == 0 else 0))
            if self.season.over:
                return

    def _gap(self) -> float:
        """Return the grain that is lost, in tonnes a hectare: what is known of it before the harvest, then all of it."""
        return self.potential - self.season.grain if self.season.over else self.season.lost

    def _moment(self, depth: int = 0) -> dict[str, float]:
        """Return what the picture shows of a day."""
        season = self.season
        water, yesterday = season.water(), season.weather(1)
        rain = float(yesterday[0, 2]) if len(yesterday) else 0.0
        canopy = float(season.state.canopy_cover)
        return {
            "available": water.available,
            "depletion": water.depletion,
            "canopy": canopy,
            "rain": rain,
            "irrigation": depth,
            "grain": season.grain,
            "roots": float(season.state.z_root),
        }

    def _observe(self) -> np.ndarray:
        season = self.season
        seen = [*_of_water(season), *_of_crop(season), *_of_weather(season), *self._of_irrigation()]
        return np.clip(np.array(seen), -1, 1).astype(np.float32)

    def _of_irrigation(self) -> list[float]:
        since = next((index for index, depth in enumerate(reversed(self.given)) if depth), len(self.given))
        return [self.season.irrigation / 600, sum(self.given[-5:]) / 100, DAYS * since / 30]


def _of_water(season: Season) -> list[float]:
    roots, soil = season.water(), season.water_of_the_soil()
    return [
        roots.share,
        roots.depletion / 100,
        roots.available / 400,
        soil.share,
        soil.depletion / 400,
        float(season.state.z_root) / DEEPEST_ROOTS,
    ]


def _of_crop(season: Season) -> list[float]:
    state = season.state
    stages = [float(season.stage == stage) for stage in range(4)]
    return [
        *stages,
        season.days / MATURITY,
        float(state.gdd_cum) / 2500,
        float(state.canopy_cover),
        float(state.canopy_cover_ns - state.canopy_cover),
        float(state.biomass) / 3000,
        float(state.harvest_index),
        float(state.hi_ref),
        float(state.tr_ratio),
        season.lost / 3,
        season.grain / 15,
    ]


def _of_weather(season: Season) -> list[float]:
    day, three, seven = (_mean(season.weather(days)) for days in (1, 3, 7))
    return [day[2] / 30, three[2] / 15, seven[2] / 10, day[3] / 10, seven[3] / 10, seven[0] / 40, seven[1] / 40]


def _mean(weather: np.ndarray) -> np.ndarray:
    return weather.mean(0) if len(weather) else np.zeros(4)


CHAMPION = Site("champion_climate.txt", "05/01")
"""Nebraska, 1982 to 2018."""
TUNIS = Site("tunis_climate.txt", "04/01")
"""Tunisia, 1979 to 2001: hardly any rain while maize grows."""
SHARE_OF_RAIN = (0.0, 1.0)
"""Of what was measured in Nebraska, in the seasons that policies and rules for Tunisia learn from: they then know droughts."""
NEBRASKA: dict[Split, Seasons] = {
    "train": Seasons(CHAMPION, range(1982, 2004)),
    "validation": Seasons(CHAMPION, range(2004, 2010)),
    "test": Seasons(CHAMPION, range(2010, 2019)),
}
TUNISIA: dict[Split, Seasons] = {
    "train": replace(NEBRASKA["train"], rain=SHARE_OF_RAIN),
    "validation": replace(NEBRASKA["validation"], rain=SHARE_OF_RAIN),
    "test": Seasons(TUNIS, range(1979, 2002)),
}


SYSTEMS: tuple[System, ...] = (
    System(
        name="farm/maize-champion",
        about="irrigation of maize in Nebraska, tested on later years",
        make=lambda split: Maize(NEBRASKA[split], split),
        rules=RULES,
        trusted="soil-moisture",
        cost="loss",
        unit="$/ha",
        extra=EXTRA,
        episodes=300,
    ),
    System(
        name="farm/maize-tunis",
        about="irrigation of maize, learned in Nebraska with less rain and tested in Tunisia",
        make=lambda split: Maize(TUNISIA[split], split),
        rules=RULES_OF_DROUGHT,
        trusted="soil-moisture",
        cost="loss",
        unit="$/ha",
        extra=EXTRA,
        episodes=300,
    ),
)
