"""Delivery: orders come in over the day; one agent says which vehicle takes each, when to leave, and when to re-plan.

Two kinds of moments: an order came in (which vehicle?), or a vehicle is at its depot with orders planned for it (leave, wait
ten minutes, or re-plan all routes that have not left). The fleet is in ``fleet``, what an agent sees in
``view``, what practitioners do in ``rules``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive
from trimtab.systems.delivery.day import CLOSING, Day, Town, draw, town
from trimtab.systems.delivery.fleet import Fleet
from trimtab.systems.delivery.routes import improved
from trimtab.systems.delivery.rules import RULES
from trimtab.systems.delivery.view import FEATURES, MOVES, Moment, at_depot, came_in, observe
from trimtab.systems.system import Split, System, checked_render_mode

LEAVE, WAIT, REPLAN = 0, 1, 2
PATIENCE = 10.0
"""Minutes that a vehicle waits before it is asked again, unless an order is added before."""
_REWARD = 20.0
"""Minutes that a reward of -1 stands for."""


@dataclass(frozen=True, slots=True)
class Routes:
    """An action by which a planner sets all routes that have not left: numbers of orders in turn, by vehicle."""

    orders: tuple[tuple[int, ...], ...]


Action: TypeAlias = int | np.integer[Any] | Routes


class Delivery(gymnasium.Env[np.ndarray, Action]):
    """Days of a split in one town. An action is the place of a vehicle in ``moment.insertions``, or LEAVE, WAIT or REPLAN."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, place: Town, split: Split, *, render_mode: str | None = None) -> None:
        self.place = place
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(MOVES)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.seed = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        self.start(draw(self.place, derive(self.seed, self.split)))
        return observe(self.moment), {"costs": {}, "action_mask": self.moment.mask()}

    def start(self, day: Day) -> None:
        """Begin ``day``."""
        self.day = day
        self.fleet = Fleet(day)
        self.taken = 0
        self.awake = [0.0] * day.town.vehicles
        self.replanned = False
        self._settle()

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        expected, tours = self.fleet.expected_cost(), len(self.fleet.tours)
        self._act(action)
        self._settle()
        driven = [done.tour for done in self.fleet.tours[tours:]]
        costs = {"driving": sum(tour.driving for tour in driven), "lateness": sum(tour.lateness for tour in driven)}
        costs["minutes"] = costs["driving"] + costs["lateness"]
        reward = (expected - self.fleet.expected_cost() - costs["minutes"]) / _REWARD
        info = {"costs": costs, "action_mask": self.moment.mask()}
        return observe(self.moment), float(reward), self.moment.over, False, info

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.delivery.picture import picture

        return picture(self.fleet, self.taken)

    def _act(self, action: Action) -> None:
        if isinstance(action, Routes):
            self._take_over(action)
            return
        allowed = np.flatnonzero(self.moment.mask()).tolist()
        if action not in allowed:
            raise ControlError(f"action: expected one of {allowed} ({self.moment.described()}), got {action!r}")
        vehicle = self.moment.vehicle
        if vehicle is None:
            self._assign(int(action))
        elif action == LEAVE:
            self.fleet.leave(vehicle)
        elif action == WAIT:
            self.awake[vehicle] = self.fleet.time + PATIENCE
        else:
            self.fleet.routes = list(improved(self.day, self.fleet.vehicles()))
            self.replanned = True

    def _assign(self, place: int) -> None:
        insertion = self.moment.insertions[place]
        self.fleet.routes[insertion.vehicle] = insertion.route
        self.awake[insertion.vehicle] = self.fleet.time
        self.taken += 1

    def _take_over(self, action: Routes) -> None:
        planned = sorted(order.number for route in self.fleet.routes for order in route)
        given = sorted(number for numbers in action.orders for number in numbers)
        if planned != given or len(action.orders) != self.place.vehicles:
            raise ControlError(
                f"action: expected Routes of {self.place.vehicles} vehicles with the orders {planned}, got {action}"
            )
        self.fleet.routes = [tuple(self.day.orders[number] for number in numbers) for numbers in action.orders]
        self.replanned = True

    def _settle(self) -> None:
        """Let time pass until there is something to decide, or the day is over."""
        fleet, orders = self.fleet, self.day.orders
        while True:
            if self.taken < len(orders) and orders[self.taken].arrival <= fleet.time:
                self.moment = came_in(fleet, orders[self.taken])
                return
            asking = [index for index, route in enumerate(fleet.routes) if route and self._asks(index) <= fleet.time]
            if asking:
                self.moment = at_depot(fleet, asking[0], replanned=self.replanned, may_wait=fleet.time < CLOSING)
                return
            times = [self._asks(index) for index, route in enumerate(fleet.routes) if route]
            if self.taken < len(orders):
                times.append(orders[self.taken].arrival)
            self.replanned = False
            if not times:
                self.moment = Moment(fleet)
                return
            fleet.time = min(times)

    def _asks(self, vehicle: int) -> float:
        """Return when ``vehicle``, which has orders, is to be told what to do."""
        return max(self.awake[vehicle], self.fleet.back[vehicle])


def _system(name: str, about: str, place: Town) -> System:
    def make(split: Split) -> Delivery:
        return Delivery(place, split)

    return System(
        name=f"delivery/{name}",
        about=about,
        make=make,
        rules=RULES,
        trusted="insertion-replanned",
        cost="minutes",
        unit="minutes of driving and lateness a day",
        extra="delivery",
        episodes=200,
    )


SYSTEMS: tuple[System, ...] = (
    _system(
        "town",
        "some 60 orders a day, four vehicles at one depot, rush hours",
        town(depots=1, vehicles=4, orders=60, size=12.0, seed=1),
    ),
    _system(
        "city",
        "some 120 orders a day, eight vehicles at two depots, rush hours",
        town(depots=2, vehicles=8, orders=120, size=16.0, seed=2),
    ),
)
