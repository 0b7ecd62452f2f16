"""What dispatchers do: the cheapest insertion, the nearest vehicle, and plans by PyVRP every so many minutes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from trimtab.seeds import generator
from trimtab.systems.delivery.routes import drive
from trimtab.systems.delivery.solver import solve
from trimtab.systems.system import Act, Rule

if TYPE_CHECKING:
    from trimtab.systems.delivery.environment import Delivery

_TEN_MINUTES = 10.0
_LOSS = 2.0
"""Minutes that waiting ten minutes may cost before a vehicle leaves; the best of 0.5, 1, 2 and 5 on training days."""
_FULL = 1.0
"""Share of its capacity at which a vehicle leaves; the best of 0.5, 0.75 and 1 on training days."""


def insertion(env: Delivery) -> Act:
    """Give each order to the vehicle where it adds least cost (Solomon 1987, I1); leave at once."""
    del env
    return lambda _: 0


def insertion_just_in_time(env: Delivery) -> Act:
    """Give each order to the vehicle where it adds least cost; leave when waiting costs, or when the vehicle is full."""
    return lambda _: 0 if env.moment.vehicle is None or presses(env, env.moment.vehicle) else 1


def insertion_replanned(env: Delivery) -> Act:
    """Do the same, and improve all routes that have not left whenever a vehicle asks and that is expected to save a minute."""
    just_in_time = insertion_just_in_time(env)
    return lambda seen: (
        2 if env.moment.moves[2] and env.moment.vehicle is not None and env.moment.gain > 1 else just_in_time(seen)
    )


def nearest(env: Delivery) -> Act:
    """Give each order to the vehicle that is nearest in time: until it can leave, and the way to it; leave at once.

    Of the four vehicles where it adds least cost, where there are more.
    """
    return lambda _: 0 if env.moment.order is None else _nearest(env)


def random(env: Delivery) -> Act:
    """Make any move that is allowed."""
    rng = generator(env.seed, "random")
    return lambda _: int(rng.choice([move for move, allowed in enumerate(env.moment.moves) if allowed]))


def pyvrp(minutes: float, seconds: float) -> Rule:
    """Return the rule that re-plans with PyVRP every ``minutes``, for ``seconds`` each time; new orders are inserted meanwhile.

    Vehicles leave just in time. PyVRP takes ways to be as long as they are now, and lateness to be something to avoid first.
    """

    def rule(env: Delivery) -> Act:
        from trimtab.systems.delivery.environment import Routes

        just_in_time = insertion_just_in_time(env)
        last = -math.inf

        def act(observation: object) -> int | Routes:
            nonlocal last
            if env.moment.vehicle is None or env.fleet.time < last + minutes:
                return just_in_time(observation)
            last = env.fleet.time
            return Routes(solve(env.fleet, seconds))

        return act

    return rule


def presses(env: Delivery, vehicle: int) -> bool:
    """Return whether ``vehicle`` should leave: waiting costs, it is full, or it may not wait."""
    fleet = env.fleet
    route, depot = fleet.loaded(vehicle), fleet.depot(vehicle)
    now, later = (drive(fleet.day, depot, route, fleet.time + delay).cost for delay in (0.0, _TEN_MINUTES))
    full = sum(order.parcels for order in route) >= _FULL * fleet.day.town.capacity
    return full or later > now + _LOSS or not env.moment.moves[1]


def _nearest(env: Delivery) -> int:
    order, fleet = env.moment.order, env.fleet
    assert order is not None  # asked only where an order came in

    def until(place: int) -> float:
        vehicle = env.moment.insertions[place].vehicle
        return fleet.ready(vehicle) - fleet.time + fleet.day.way(fleet.depot(vehicle), order.place, fleet.time)

    return min(range(len(env.moment.insertions)), key=until)


RULES: Mapping[str, Callable[[Delivery], Act]] = MappingProxyType(
    {
        "random": random,
        "nearest": nearest,
        "insertion": insertion,
        "insertion-just-in-time": insertion_just_in_time,
        "insertion-replanned": insertion_replanned,
        "pyvrp-5min": pyvrp(5.0, 0.05),
        "pyvrp-20min": pyvrp(20.0, 0.05),
    }
)
