"""A day of deliveries: orders, where they go, how long ways take. This file draws it and decides nothing.

Places are in kilometres, times in minutes after the depots open. Waits at customers until their window opens cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.seeds import generator

CLOSING = 480.0
"""Depots take orders for eight hours; tours may end later."""
SERVICE = 4.0
_SPEED = 30.0
_DETOUR = 1.4
"""Length of a way through streets by that as the crow flies (Boscoe, Henry & Zdeb 2012)."""
_RUSH = ((60.0, 45.0), (440.0, 60.0))
"""Rush hours: the middle and the width of each."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that comes in at ``arrival``, to be delivered from ``earliest`` on and by ``latest``; it fills ``parcels``."""

    number: int
    place: tuple[float, float]
    arrival: float
    earliest: float
    latest: float
    parcels: int
    luck: float
    """Real by expected duration of the way to it: known to nobody before."""


@dataclass(frozen=True, slots=True)
class Town:
    """What does not change from day to day: depots, quarters where customers live, vehicles by depot, their capacity."""

    depots: tuple[tuple[float, float], ...]
    quarters: tuple[tuple[float, float], ...]
    vehicles: int
    capacity: int
    orders: float
    """Mean number of orders of a day."""
    size: float
    """Kilometres from end to end."""


@dataclass(frozen=True, slots=True)
class Day:
    """Orders by arrival, and the height of the rush hours (0.6: ways take 60 % longer at their middle)."""

    town: Town
    orders: tuple[Order, ...]
    rush: float

    def traffic(self, time: float) -> float:
        """Return how many times as long as on a free street a way takes that begins at ``time``."""
        return 1 + self.rush * sum(math.exp(-0.5 * ((time - middle) / width) ** 2) for middle, width in _RUSH)

    def way(self, start: tuple[float, float], end: tuple[float, float], time: float) -> float:
        """Return the minutes that the way is expected to take when it begins at ``time``."""
        distance = _DETOUR * math.hypot(start[0] - end[0], start[1] - end[1])
        return 60 * distance / _SPEED * self.traffic(time)


def town(*, depots: int, vehicles: int, orders: float, size: float, seed: int) -> Town:
    """Return a town drawn from ``seed``: as many ``vehicles`` in all, of equal number at each depot."""
    rng = generator(seed, "town")
    homes = [(size * (0.5 + 0.22 * side), size * 0.5) for side in ((0,) if depots == 1 else (-1, 1))]
    quarters = rng.uniform(0.12 * size, 0.88 * size, size=(6, 2))
    return Town(tuple(homes), tuple((float(x), float(y)) for x, y in quarters), vehicles, 12, orders, size)


def draw(place: Town, seed: int) -> Day:
    """Return the day of ``seed``: more orders in some hours and some quarters than in others."""
    rng = generator(seed, "day")
    count = max(1, int(rng.poisson(place.orders)))
    # orders come from opening to 100 minutes before closing, most around noon
    arrivals = np.sort(rng.beta(2.0, 2.0, size=count) * (CLOSING - 100))
    weights = rng.dirichlet(np.full(len(place.quarters), 2.0))
    orders = [_order(number, float(arrival), place, weights, rng) for number, arrival in enumerate(arrivals)]
    return Day(place, tuple(orders), float(rng.uniform(0.2, 0.8)))


def _order(number: int, arrival: float, place: Town, weights: Sequence[float] | np.ndarray, rng: np.random.Generator) -> Order:
    middle = place.quarters[int(rng.choice(len(place.quarters), p=weights))]
    x, y = np.clip(rng.normal(middle, 0.08 * place.size), 0, place.size)
    earliest = arrival + float(rng.choice((0.0, 60.0, 120.0)))
    window = float(rng.choice((60.0, 90.0, 150.0)))
    luck = float(np.exp(rng.normal(-0.5 * 0.15**2, 0.15)))
    return Order(number, (float(x), float(y)), arrival, earliest, earliest + window, int(rng.integers(1, 4)), luck)
