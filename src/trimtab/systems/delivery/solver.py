"""Routes by PyVRP for the orders that have not left, from where the fleet stands."""

from __future__ import annotations

import warnings
from typing import Any

from trimtab.errors import ControlError
from trimtab.systems.delivery.day import CLOSING, SERVICE
from trimtab.systems.delivery.fleet import Fleet
from trimtab.systems.system import simulator

_SCALE = 100
"""PyVRP counts in whole numbers: hundredths of a minute."""


def solve(fleet: Fleet, seconds: float) -> tuple[tuple[int, ...], ...]:
    """Return numbers of orders in turn, by vehicle: least driving, with as few minutes out of the windows as can be had."""
    if not seconds > 0:
        raise ControlError(f"seconds: expected a positive number, got {seconds!r}")
    pyvrp: Any = simulator("pyvrp", extra="delivery")
    orders = [order for route in fleet.routes for order in route]
    model = pyvrp.Model()
    places = [*fleet.day.town.depots, *(order.place for order in orders)]
    locations = [model.add_location(round(_SCALE * x), round(_SCALE * y)) for x, y in places]
    depots = [model.add_depot(location) for location in locations[: len(fleet.day.town.depots)]]
    for order, location in zip(orders, locations[len(depots) :], strict=True):
        # what is late already is to be served as soon as may be
        late = max(order.latest, fleet.time + 1)
        early = min(order.earliest, late)
        model.add_client(
            location, delivery=order.parcels, service_duration=_whole(SERVICE), tw_early=_whole(early), tw_late=_whole(late)
        )
    for vehicle in range(fleet.day.town.vehicles):
        depot = depots[vehicle % len(depots)]
        model.add_vehicle_type(
            1,
            capacity=fleet.day.town.capacity,
            start_depot=depot,
            end_depot=depot,
            tw_early=_whole(fleet.ready(vehicle)),
            tw_late=_whole(3 * CLOSING),
        )
    for start, here in zip(locations, places, strict=True):
        for end, there in zip(locations, places, strict=True):
            way = _whole(fleet.day.way(here, there, fleet.time))
            model.add_edge(start, end, distance=way, duration=way)
    stop = simulator("pyvrp.stop", extra="delivery").MaxRuntime(seconds)
    with warnings.catch_warnings():
        # where some lateness cannot be avoided, it warns that its penalties grow to their bound
        warnings.simplefilter("ignore", pyvrp.exceptions.PenaltyBoundWarning)
        best = model.solve(stop=stop, seed=0, display=False).best
    return _by_vehicle(fleet, best, [order.number for order in orders])


def _whole(minutes: float) -> int:
    return round(_SCALE * minutes)


def _by_vehicle(fleet: Fleet, best: Any, numbers: list[int]) -> tuple[tuple[int, ...], ...]:
    routes: list[tuple[int, ...]] = [()] * fleet.day.town.vehicles
    for route in best.routes():
        routes[route.vehicle_type()] = tuple(numbers[stop.idx] for stop in route if stop.is_client())
    return tuple(routes)
