"""How the rules of ``rules`` were tuned, on training seasons alone: ``python -m benchmarks.systems_suite.farm_tuning``.

Once on the seasons of Nebraska as they were, and once on those with less rain, for Tunisia. The calendar: the best of a grid.
The soil-moisture targets: a pattern search, which moves one target at a time up and down by 10, then by 5 percent, for as long
as that lowers the mean loss over the training years, from ``START``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial

import numpy as np

from trimtab.seeds import generator
from trimtab.systems import Rule
from trimtab.systems.farm.environment import MOISTURE, NEBRASKA, TUNISIA, Maize, Seasons
from trimtab.systems.farm.rules import Calendar, SoilMoisture
from trimtab.systems.farm.season import Season, potential

START = (60, 60, 50, 20)


class _Fields(Maize):
    """The seasons to tune on: each training year once, with a moisture and a share of rain that are drawn once for all."""

    def begin(self, index: int) -> None:
        """Begin the season of the training year ``index``."""
        year, rng = self.seasons.years[index], generator(0, "tuning", index)
        moisture, rain = float(rng.uniform(*MOISTURE)), float(rng.uniform(*self.seasons.rain))
        self.season, self.potential = Season(self.seasons.site, year, moisture, rain), potential(self.seasons.site, year)
        self.given, self.log = [], []


def loss(rule: Rule, seasons: Seasons) -> float:
    """Return the mean loss of ``rule`` over the years of ``seasons``, in dollars a hectare."""
    env, losses = _Fields(seasons, "train"), list[float]()
    for index in range(len(seasons.years)):
        env.begin(index)
        act, total, over = rule(env), 0.0, False
        while not over:
            _, _, over, _, info = env.step(act(None))
            total += info["costs"]["loss"]
        losses.append(total)
    return float(np.mean(losses))


def tuned_calendar(seasons: Seasons) -> Calendar:
    """Return the best interval and depth."""
    grid = [Calendar(interval, depth) for interval in (6, 8, 10, 12, 14) for depth in (20, 30, 40)]
    return min(grid, key=partial(loss, seasons=seasons))


def tuned_soil_moisture(seasons: Seasons) -> tuple[float, SoilMoisture]:
    """Return the loss and the targets that the search ends at."""
    best = SoilMoisture(START, most=40)
    lowest, known = loss(best, seasons), {best}
    for step in (10, 5):
        improved = True
        while improved:
            improved = False
            for tried in _neighbours(best, step):
                if tried in known:
                    continue
                known.add(tried)
                found = loss(tried, seasons)
                if found < lowest:
                    lowest, best, improved = found, tried, True
                    print(f"{lowest:.1f} $/ha: {best}", flush=True)
                    break
    return lowest, best


def _neighbours(rule: SoilMoisture, step: int) -> list[SoilMoisture]:
    found: list[SoilMoisture] = []
    for stage in range(len(rule.targets)):
        for change in (-step, step):
            targets = list(rule.targets)
            targets[stage] = float(np.clip(targets[stage] + change, 0, 100))
            found.append(replace(rule, targets=tuple(targets)))
    return [*found, *(replace(rule, most=most) for most in (20, 30, 40) if most != rule.most)]


def main() -> None:
    """Tune both rules and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drought", action="store_true", help="on seasons with less rain, for Tunisia")
    seasons = (TUNISIA if parser.parse_args().drought else NEBRASKA)["train"]
    lowest, best = tuned_soil_moisture(seasons)
    print(f"{lowest:.1f} $/ha: {best}", flush=True)
    calendar = tuned_calendar(seasons)
    print(f"{loss(calendar, seasons):.1f} $/ha: {calendar}")


if __name__ == "__main__":
    main()
