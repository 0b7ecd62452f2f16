"""A policy beside rules, on the same held-out episodes: means with intervals, the worst, and paired ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.controllers.crew import strangers
from trimtab.controllers.playing import Episode, judged
from trimtab.controllers.policy import Policy
from trimtab.controllers.world import World, open_world
from trimtab.errors import ControlError
from trimtab.seeds import derive, generator
from trimtab.systems import System

RESAMPLES = 4000
RANDOM = "random"
"""What may be compared with on every system: legal moves at random."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one contender came to: every cost of each episode by name, each of shape (episodes,), and seconds a decision."""

    name: str
    costs: Mapping[str, np.ndarray]
    seconds: float

    def mean(self, cost: str) -> float:
        """Return the mean of ``cost``."""
        return float(self.costs[cost].mean())


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``standings``: the policy's first, then those of the rules, on the same ``seeds`` held-out episodes.

    ``cost``, ``unit``: the headline that is to be low.
    """

    system: str
    cost: str
    unit: str
    seeds: int
    standings: tuple[Standing, ...]

    @property
    def policy(self) -> Standing:
        """The policy's standing."""
        return self.standings[0]

    @property
    def comparable(self) -> bool:
        """Whether there is a rule, and costs of which a ratio says something: positive ones."""
        return len(self.standings) > 1 and min(each.mean(self.cost) for each in (self.policy, self.best_rule)) > 0

    @property
    def best_rule(self) -> Standing:
        """The rule with the lowest mean of the headline cost."""
        if len(self.standings) == 1:
            raise ControlError("against: expected at least one rule to compare with, got none")
        return min(self.standings[1:], key=lambda standing: standing.mean(self.cost))

    def ratio(self, cost: str | None = None) -> tuple[float, float, float]:
        """Return the policy's mean ``cost`` (default: the headline) over that of the best rule, with its 95 % interval.

        Below 1 is better. The interval is of a bootstrap over episodes, which both have played (4,000 resamples).
        """
        name = self.cost if cost is None else cost
        one, other = self.policy.costs[name], self.best_rule.costs[name]
        rows = generator(0, "resample").integers(self.seeds, size=(RESAMPLES, self.seeds))
        low, high = np.percentile(one[rows].mean(1) / other[rows].mean(1), [2.5, 97.5])
        return float(one.mean() / other.mean()), float(low), float(high)

    def interval(self, standing: Standing) -> tuple[float, float]:
        """Return the 95 % interval of the mean headline cost of ``standing``."""
        rows = generator(0, "resample").integers(self.seeds, size=(RESAMPLES, self.seeds))
        low, high = np.percentile(standing.costs[self.cost][rows].mean(1), [2.5, 97.5])
        return float(low), float(high)

    def rows(self) -> list[dict[str, float | str]]:
        """Return a row for each contender, as plain data."""
        found: list[dict[str, float | str]] = []
        for standing in self.standings:
            low, high = self.interval(standing)
            others = {name: standing.mean(name) for name in standing.costs if name != self.cost}
            mean, worst = standing.mean(self.cost), float(standing.costs[self.cost].max())
            row: dict[str, float | str] = {"name": standing.name, self.cost: mean, "low": low, "high": high, "worst": worst}
            found.append({**row, **others, "seconds": standing.seconds})
        return found

    def __str__(self) -> str:
        unit = f" in {self.unit}" if self.unit else ""
        lines = [f"{self.system}: {self.cost}{unit}, {self.seeds} held-out episodes (mean, 95 % interval, worst)"]
        for row in self.rows():
            numbers = f"{row[self.cost]:10.4g}  [{row['low']:.4g}, {row['high']:.4g}]  {row['worst']:10.4g}"
            lines.append(f"  {row['name']:<18} {numbers}   {1000 * float(row['seconds']):.3g} ms a decision")
        if self.comparable:
            ratio, low, high = self.ratio()
            lines.append(f"  ratio to the best rule, {self.best_rule.name}: {ratio:.3f} [{low:.3f}, {high:.3f}]")
        return "\n".join(lines)


def evaluate(policy: Policy, system: System, *, seeds: int = 20, against: Sequence[str] = (), seed: int = 0) -> Evaluation:
    """Return how ``policy`` and the rules ``against`` do on the same ``seeds`` episodes of the test split of ``system``."""
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise ControlError(f"seeds: expected a whole number of at least 1, got {seeds!r}")
    for name in against:
        if name not in (*system.rules, RANDOM):
            raise ControlError(f"against: expected rules among {', '.join((*system.rules, RANDOM))}, got {name!r}")
    world = open_world(system, "test", policy.agent)
    try:
        numbers = [derive(seed, "test", index) for index in range(seeds)]
        standings = [_standing("policy", [policy.play(world, system, number) for number in numbers])]
        standings += [_standing(name, _played(world, system, name, numbers)) for name in against]
    finally:
        world.close()
    if system.cost not in standings[0].costs:
        raise ControlError(f"env: expected the cost {system.cost!r} in info['costs'], got {', '.join(standings[0].costs)}")
    return Evaluation(system.name, system.cost, system.unit, seeds, tuple(standings))


def _played(world: World, system: System, rule: str, seeds: Sequence[int]) -> list[Episode]:
    crew = strangers(world, seed=0) if rule == RANDOM else None
    return [judged(world, crew, None if crew else system.rules[rule], seed, progress=lambda: None) for seed in seeds]


def _standing(name: str, played: Sequence[Episode]) -> Standing:
    named = [episode.named() for episode in played]
    names = dict.fromkeys(each for costs in named for each in costs)
    costs = {each: np.array([one.get(each, 0.0) for one in named]) for each in names}
    decisions = sum(episode.decisions for episode in played)
    return Standing(name, costs, sum(episode.seconds for episode in played) / max(1, decisions))
