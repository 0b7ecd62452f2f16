"""What goes otherwise than planned in a shop: how long operations really take, and when machines are down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trimtab.errors import ControlError
from trimtab.systems.factory.instances import Instance

_HORIZON = 6
"""Breakdowns are drawn for so many times the lower bound of the makespan; no schedule without idling takes that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """How a shop is disturbed.

    ``spread``: standard deviation of the logarithm of a real duration divided by the planned one (whose mean is 1).
    ``down``: share of the time that a machine is down in the long run. ``repair``: mean length of a repair, in mean durations.
    Times to failure and repairs are exponential, so that how long a repair has lasted says nothing about when it will end;
    an operation goes on where it stopped. Levels like these are those of Holthaus 1999 (job shops with breakdowns).
    """

    spread: float
    down: float
    repair: float

    def __post_init__(self) -> None:
        for name, value, high in (("spread", self.spread, 2.0), ("down", self.down, 0.9), ("repair", self.repair, 1e6)):
            if not 0 <= value <= high:
                raise ControlError(f"{name}: expected a number in [0, {high:g}], got {value!r}")

    def repair_time(self, instance: Instance) -> float:
        """Return the mean length of a repair in units of time."""
        return self.repair * float(np.mean(np.concatenate(instance.durations)))

    def draw(self, instance: Instance, rng: np.random.Generator) -> Fate:
        """Draw what will happen, whatever is decided."""
        planned = np.array([duration for row in instance.durations for duration in row], dtype=float)
        real = planned * np.exp(rng.normal(-0.5 * self.spread**2, self.spread, size=planned.shape))
        rows = np.split(real, np.cumsum([len(row) for row in instance.durations])[:-1])
        outages = tuple(self._outages(instance, rng) for _ in range(instance.stations))
        return Fate(tuple(tuple(map(float, row)) for row in rows), outages, self.repair_time(instance))

    def _outages(self, instance: Instance, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
        found: list[tuple[float, float]] = []
        repair = self.repair_time(instance)
        if not repair or not self.down:
            return ()
        time, horizon = 0.0, _HORIZON * instance.bound()
        while time < horizon:
            start = time + rng.exponential(repair * (1 / self.down - 1))
            time = start + rng.exponential(repair)
            found.append((start, time))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Fate:
    """What will happen in an episode: real durations, by machine the times (from, to) that it is down, and the mean repair."""

    durations: tuple[tuple[float, ...], ...]
    outages: tuple[tuple[tuple[float, float], ...], ...]
    repair: float

    @classmethod
    def undisturbed(cls, instance: Instance) -> Fate:
        """Return the fate of a shop in which all goes as planned."""
        return cls(instance.durations, ((),) * instance.stations, 0.0)
