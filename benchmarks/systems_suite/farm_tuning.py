"""How the rules of ``farm_rules`` were tuned, on the training years alone: ``python -m benchmarks.systems_suite.farm_tuning``.

The calendar: the best of a grid. The soil-moisture targets: a pattern search, which moves one target at a time up and down
by 10, then by 5 percent, for as long as that lowers the mean loss; from three starts, of which the best is kept.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trimtab.seeds import generator
from trimtab.systems.farm import MOISTURE, TRAINING, Maize
from trimtab.systems.farm_rules import Calendar, SoilMoisture
from trimtab.systems.farm_season import Season, potential
from trimtab.systems.system import Rule

STARTS = ((60, 60, 50, 20), (80, 50, 30, 10), (40, 40, 40, 40))


class _Fields(Maize):
    """The seasons to tune on: each training year once, with a moisture that is drawn once for all."""

    def begin(self, index: int) -> None:
        """Begin the season of the training year ``index``."""
        year = self.seasons.years[index]
        moisture = float(generator(0, "tuning", index).uniform(*MOISTURE))
        self.season, self.potential = Season(self.seasons.site, year, moisture), potential(self.seasons.site, year)
        self.given, self.log = [], []


def loss(rule: Rule) -> float:
    """Return the mean loss of ``rule`` over the training years, in dollars a hectare."""
    env, losses = _Fields(TRAINING, "train"), list[float]()
    for index in range(len(TRAINING.years)):
        env.begin(index)
        act, total, over = rule(env), 0.0, False
        while not over:
            _, _, over, _, info = env.step(act(None))
            total += info["costs"]["loss"]
        losses.append(total)
    return float(np.mean(losses))


def tuned_calendar() -> Calendar:
    """Return the best interval and depth."""
    grid = [Calendar(interval, depth) for interval in (6, 8, 10, 12, 14) for depth in (20, 30, 40)]
    return min(grid, key=loss)


def tuned_soil_moisture(start: tuple[int, ...], most: int = 40) -> tuple[float, SoilMoisture]:
    """Return the loss and the targets that a search from ``start`` ends at."""
    best = SoilMoisture(start, most)
    lowest = loss(best)
    for step in (10, 5):
        improved = True
        while improved:
            improved = False
            for tried in _neighbours(best, step):
                found = loss(tried)
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
    calendar = tuned_calendar()
    print(f"{loss(calendar):.1f} $/ha: {calendar}", flush=True)
    lowest, best = min((tuned_soil_moisture(start) for start in STARTS), key=lambda found: found[0])
    print(f"{lowest:.1f} $/ha: {best}")


if __name__ == "__main__":
    main()
