"""What an agent sees of a fleet at a moment of decision, in numbers of about one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trimtab.systems.delivery.day import CLOSING, Order
from trimtab.systems.delivery.fleet import Fleet
from trimtab.systems.delivery.routes import Insertion, drive, improved, insertions

MOVES = 4
"""Vehicles that an agent may choose among when an order comes in; at a depot the first three moves are used."""
_FLEET_FEATURES = 8
_ORDER_FEATURES = 5
_INSERTION_FEATURES = 8
_DEPOT_FEATURES = 13
FEATURES = _FLEET_FEATURES + _ORDER_FEATURES + MOVES * _INSERTION_FEATURES + _DEPOT_FEATURES
_HOUR = 60.0
_DELAYS = (10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of decision: ``order`` came in, or ``vehicle`` asks whether to leave; neither where the day is over."""

    fleet: Fleet
    order: Order | None = None
    insertions: tuple[Insertion, ...] = ()
    vehicle: int | None = None
    gain: float = 0.0
    """Minutes that re-planning would save, as far as is expected; 0 where it has just been done."""
    moves: tuple[bool, ...] = (True, False, False, False)

    @property
    def over(self) -> bool:
        """Whether all is delivered."""
        return self.order is None and self.vehicle is None

    def mask(self) -> np.ndarray:
        """Return which moves are allowed, shape (MOVES,)."""
        return np.array(self.moves)

    def described(self) -> str:
        """Return in a few words what is to be decided."""
        if self.order is not None:
            return f"order {self.order.number}: which vehicle"
        return "the day is over" if self.over else f"vehicle {self.vehicle}: leave, wait, re-plan"


def came_in(fleet: Fleet, order: Order) -> Moment:
    """Return the moment at which ``order`` came in: the vehicles that it adds least cost to, the cheapest first."""
    found = tuple(insertions(fleet.day, fleet.vehicles(), order)[:MOVES])
    return Moment(fleet, order=order, insertions=found, moves=tuple(move < len(found) for move in range(MOVES)))


def at_depot(fleet: Fleet, vehicle: int, *, replanned: bool, may_wait: bool) -> Moment:
    """Return the moment at which ``vehicle`` may leave."""
    gain = 0.0
    if not replanned:
        states = fleet.vehicles()
        after = zip(states, improved(fleet.day, states), strict=True)
        better = sum(drive(fleet.day, state.depot, route, state.ready).cost for state, route in after)
        gain = fleet.expected_cost() - better
    return Moment(fleet, vehicle=vehicle, gain=gain, moves=(True, may_wait, not replanned, False))


def observe(moment: Moment) -> np.ndarray:
    """Return the observation of a moment, shape (FEATURES,), each in [-1, 1]."""
    features = np.zeros(FEATURES)
    features[:_FLEET_FEATURES] = _of_fleet(moment)
    place = _FLEET_FEATURES
    if moment.order is not None:
        features[place : place + _ORDER_FEATURES] = _of_order(moment.fleet, moment.order)
        rows = np.array([_of_insertion(moment, each) for each in moment.insertions])
        features[place + _ORDER_FEATURES : place + _ORDER_FEATURES + rows.size] = rows.ravel()
    if moment.vehicle is not None:
        features[-_DEPOT_FEATURES:] = _of_depot(moment, moment.vehicle)
    return np.clip(features, -1, 1).astype(np.float32)


def _of_fleet(moment: Moment) -> list[float]:
    fleet = moment.fleet
    count = fleet.day.town.vehicles
    home = sum(fleet.home(vehicle) for vehicle in range(count))
    return [
        float(moment.order is not None),
        float(moment.vehicle is not None),
        fleet.time / CLOSING - 0.5,
        fleet.day.traffic(fleet.time) - 1,
        fleet.day.traffic(fleet.time + 30) - 1,
        home / count,
        sum(bool(route) for route in fleet.routes) / count,
        sum(map(len, fleet.routes)) / (6 * count),
    ]


def _of_order(fleet: Fleet, order: Order) -> list[float]:
    return [
        (order.earliest - fleet.time) / (2 * _HOUR),
        (order.latest - fleet.time) / (4 * _HOUR),
        order.parcels / 3,
        min(math.dist(order.place, depot) for depot in fleet.day.town.depots) / fleet.day.town.size,
        fleet.day.way(fleet.day.town.depots[0], order.place, fleet.time) / _HOUR,
    ]


def _of_insertion(moment: Moment, insertion: Insertion) -> list[float]:
    fleet, order = moment.fleet, moment.order
    assert order is not None  # there are insertions only where an order came in
    vehicle = insertion.vehicle
    tour = drive(fleet.day, fleet.depot(vehicle), insertion.route, fleet.ready(vehicle))
    load = sum(each.parcels for each in insertion.route)
    return [
        1.0,
        insertion.added / (0.5 * _HOUR),
        (insertion.added - moment.insertions[0].added) / (0.25 * _HOUR),
        insertion.lateness / (0.5 * _HOUR),
        (fleet.ready(vehicle) - fleet.time) / (2 * _HOUR),
        load / fleet.day.town.capacity,
        (tour.end - fleet.ready(vehicle)) / (2 * _HOUR),
        min(each.latest - stop for each, stop in zip(insertion.route, tour.stops, strict=True)) / (2 * _HOUR),
    ]


def _of_depot(moment: Moment, vehicle: int) -> list[float]:
    """Return the features of a route that may leave: its load, its slack, and what it costs now and later."""
    fleet = moment.fleet
    route, depot = fleet.loaded(vehicle), fleet.depot(vehicle)
    now = drive(fleet.day, depot, route, fleet.time)
    slack = min(order.latest - stop for order, stop in zip(route, now.stops, strict=True))
    early = sum(max(0.0, order.earliest - fleet.time) for order in route) / len(route)
    idle = sum(fleet.home(other) and not fleet.routes[other] for other in range(fleet.day.town.vehicles))
    return [
        len(route) / 6,
        sum(order.parcels for order in route) / fleet.day.town.capacity,
        slack / (2 * _HOUR),
        early / _HOUR,
        now.driving / len(route) / (0.5 * _HOUR),
        now.lateness / (0.5 * _HOUR),
        (now.end - fleet.time) / (2 * _HOUR),
        (now.end - fleet.time - now.driving) / (2 * _HOUR),
        moment.gain / (0.5 * _HOUR),
        float(moment.moves[2]),
        idle / fleet.day.town.vehicles,
        *((drive(fleet.day, depot, route, fleet.time + delay).cost - now.cost) / (0.25 * _HOUR) for delay in _DELAYS),
    ]
