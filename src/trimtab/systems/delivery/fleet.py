"""A fleet at work: which orders wait in which vehicle's plan, who is on tour, what was driven. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from trimtab.errors import ControlError
from trimtab.systems.delivery.day import Day
from trimtab.systems.delivery.routes import Route, Tour, Vehicle, drive


@dataclass(frozen=True, slots=True)
class Done:
    """A tour as it was driven: ``vehicle``, its ``route``, when it left, and what came of it."""

    vehicle: int
    route: Route
    start: float
    tour: Tour


@dataclass(slots=True)
class Fleet:
    """All vehicles of a day. ``routes``: planned, not left yet. ``back``: when a vehicle is at its depot again."""

    day: Day
    time: float = 0.0
    routes: list[Route] = field(default_factory=list[Route])
    back: list[float] = field(default_factory=list[float])
    expected_back: list[float] = field(default_factory=list[float])
    tours: list[Done] = field(default_factory=list[Done])

    def __post_init__(self) -> None:
        count = self.day.town.vehicles
        self.routes = [()] * count
        self.back = [0.0] * count
        self.expected_back = [0.0] * count

    def depot(self, vehicle: int) -> tuple[float, float]:
        """Return where ``vehicle`` is at home."""
        depots = self.day.town.depots
        return depots[vehicle % len(depots)]

    def home(self, vehicle: int) -> bool:
        """Whether ``vehicle`` is at its depot."""
        return self.back[vehicle] <= self.time

    def ready(self, vehicle: int) -> float:
        """Return when ``vehicle`` is expected to be able to leave."""
        return self.time if self.home(vehicle) else max(self.time, self.expected_back[vehicle])

    def vehicles(self) -> list[Vehicle]:
        """Return all vehicles as planners see them."""
        return [Vehicle(self.depot(index), self.ready(index), route) for index, route in enumerate(self.routes)]

    def expected_cost(self) -> float:
        """Return the minutes that all planned routes are expected to cost when each leaves as soon as it can."""
        return sum(drive(self.day, state.depot, state.route, state.ready).cost for state in self.vehicles())

    def loaded(self, vehicle: int) -> Route:
        """Return the first orders planned for ``vehicle`` that fit in it together."""
        load, count = 0, 0
        for order in self.routes[vehicle]:
            load += order.parcels
            if load > self.day.town.capacity:
                break
            count += 1
        return self.routes[vehicle][:count]

    def leave(self, vehicle: int) -> Tour:
        """Let ``vehicle`` leave with its route; return what comes of it."""
        if not self.home(vehicle) or not self.routes[vehicle]:
            raise ControlError(f"vehicle: expected one at its depot with orders, got {vehicle}")
        route, depot = self.loaded(vehicle), self.depot(vehicle)
        tour = drive(self.day, depot, route, self.time, real=True)
        self.expected_back[vehicle] = drive(self.day, depot, route, self.time).end
        self.back[vehicle] = tour.end
        self.routes[vehicle] = self.routes[vehicle][len(route) :]
        self.tours.append(Done(vehicle, route, self.time, tour))
        return tour
