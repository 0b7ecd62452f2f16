"""Routes of vehicles that wait to be driven: what they cost, where an order fits best, and how to improve them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from trimtab.systems.delivery.day import SERVICE, Day, Order

Route: TypeAlias = tuple[Order, ...]
_PASSES = 3
_GAIN = 1e-6
_ENDLESS = 10**9


@dataclass(frozen=True, slots=True)
class Tour:
    """What comes of a route: minutes driven and late, and the time of return. ``stops``: when each delivery begins."""

    driving: float
    lateness: float
    end: float
    stops: tuple[float, ...]

    @property
    def cost(self) -> float:
        """Minutes of driving plus minutes of lateness, of all orders together."""
        return self.driving + self.lateness


def drive(day: Day, depot: tuple[float, float], route: Sequence[Order], start: float, *, real: bool = False) -> Tour:
    """Return the tour that leaves ``depot`` at ``start``: as it is expected, or as it is in reality."""
    time, place, driving, lateness = start, depot, 0.0, 0.0
    stops: list[float] = []
    for order in route:
        way = day.way(place, order.place, time) * (order.luck if real else 1.0)
        driving += way
        time = max(time + way, order.earliest)
        lateness += max(0.0, time - order.latest)
        stops.append(time)
        time += SERVICE
        place = order.place
    if route:
        way = day.way(place, depot, time)
        driving += way
        time += way
    return Tour(driving, lateness, time, tuple(stops))


@dataclass(frozen=True, slots=True)
class Insertion:
    """An order taken into the route of ``vehicle``: the route then, and how much more it costs, in minutes."""

    vehicle: int
    route: Route
    added: float
    lateness: float


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle that can leave ``depot`` at ``ready`` with what is planned for it."""

    depot: tuple[float, float]
    ready: float
    route: Route


def best_insertion(day: Day, vehicle: int, state: Vehicle, order: Order, capacity: int) -> Insertion | None:
    """Return the cheapest place for ``order`` in the route of a vehicle; None where it is full."""
    if sum(each.parcels for each in state.route) + order.parcels > capacity:
        return None
    before = drive(day, state.depot, state.route, state.ready)
    found: Insertion | None = None
    for place in range(len(state.route) + 1):
        route = (*state.route[:place], order, *state.route[place:])
        after = drive(day, state.depot, route, state.ready)
        if found is None or after.cost - before.cost < found.added:
            found = Insertion(vehicle, route, after.cost - before.cost, after.lateness - before.lateness)
    return found


def insertions(day: Day, vehicles: Sequence[Vehicle], order: Order) -> list[Insertion]:
    """Return the best insertion into each vehicle that has room, the cheapest first; where none has, into each vehicle.

    A vehicle takes along what fits, in the order of its route; what does not waits for its next tour.
    """
    found: list[Insertion] = []
    for capacity in (day.town.capacity, _ENDLESS):
        tried = [best_insertion(day, index, state, order, capacity) for index, state in enumerate(vehicles)]
        found = sorted((each for each in tried if each is not None), key=lambda each: each.added)
        if found:
            break
    return found


def improved(day: Day, vehicles: Sequence[Vehicle]) -> tuple[Route, ...]:
    """Return better routes: each order in turn is taken out and put where it costs least, until none moves (or three times)."""
    states = list(vehicles)
    for _ in range(_PASSES):
        moved = [_relocate(day, states, order) for state in list(states) for order in state.route]
        if not any(moved):
            break
    return tuple(state.route for state in states)


def _relocate(day: Day, states: list[Vehicle], order: Order) -> bool:
    home = next(index for index, state in enumerate(states) if order in state.route)
    state = states[home]
    without = Vehicle(state.depot, state.ready, tuple(each for each in state.route if each is not order))
    saved = drive(day, state.depot, state.route, state.ready).cost - drive(day, state.depot, without.route, state.ready).cost
    trial = [*states[:home], without, *states[home + 1 :]]
    best = insertions(day, trial, order)[0]
    if best.added >= saved - _GAIN:
        return False
    states[home] = without
    target = states[best.vehicle]
    states[best.vehicle] = Vehicle(target.depot, target.ready, best.route)
    return True
