from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import find
from trimtab.systems.contract import SystemContract
from trimtab.systems.delivery.day import Day, Order, Town, draw
from trimtab.systems.delivery.environment import LEAVE, REPLAN, WAIT, Delivery, Routes
from trimtab.systems.delivery.routes import Vehicle, drive, improved, insertions
from trimtab.systems.delivery.rules import RULES
from trimtab.systems.delivery.solver import solve

pytest.importorskip("pyvrp")

# On streets that are always free, a kilometre as the crow flies takes 1.4 km / 30 km/h = 2.8 minutes.
TOWN = Town(depots=((0.0, 0.0),), quarters=((5.0, 5.0),), vehicles=2, capacity=3, orders=3, size=10.0)


def order(number: int, x: float, *, arrival: float = 0, earliest: float = 0, latest: float = 999, parcels: int = 1) -> Order:
    return Order(number, (x, 0.0), arrival, earliest, latest, parcels, luck=1.0)


def started(*orders: Order) -> Delivery:
    env = Delivery(TOWN, "train", render_mode="rgb_array")
    env.reset(seed=0)
    env.start(Day(TOWN, orders, rush=0.0))
    return env


def finished(env: Delivery, rule: str) -> dict[str, float]:
    act = RULES[rule](env)
    total: dict[str, float] = {}
    while not env.moment.over:
        *_, info = env.step(act(None))
        for name, cost in info["costs"].items():
            total[name] = total.get(name, 0.0) + cost
    return total


class TestTown(SystemContract):
    system = find("delivery/town")


def test_a_tour_counts_driving_lateness_service_and_waits_as_worked_by_hand() -> None:
    day = Day(TOWN, (), rush=0.0)
    # to 1 km: 2.8; there until 2.8 + 4 = 6.8; to 3 km: 5.6, at 12.4, 2.4 late; until 16.4; back 8.4
    tour = drive(day, (0, 0), [order(0, 1), order(1, 3, latest=10)], 0)
    assert tour.driving == pytest.approx(2.8 + 5.6 + 8.4)
    assert tour.lateness == pytest.approx(2.4)
    assert tour.end == pytest.approx(24.8)
    waiting = drive(day, (0, 0), [order(0, 1, earliest=30)], 0)
    assert (waiting.driving, waiting.lateness, waiting.end) == pytest.approx((5.6, 0, 30 + 4 + 2.8))


def test_ways_take_longer_in_rush_hours() -> None:
    day = Day(TOWN, (), rush=0.5)
    assert day.way((0, 0), (1, 0), 60) == pytest.approx(2.8 * 1.5, rel=1e-6)
    assert day.way((0, 0), (1, 0), 240) == pytest.approx(2.8, rel=0.01)


def test_an_order_goes_where_it_adds_least() -> None:
    day = Day(TOWN, (), rush=0.0)
    vehicles = [Vehicle((0, 0), 0, ()), Vehicle((0, 0), 0, (order(0, 4),))]
    best, other = insertions(day, vehicles, order(1, 2))
    assert (best.vehicle, best.added) == (1, pytest.approx(0))  # it lies on the way
    assert (other.vehicle, other.added) == (0, pytest.approx(2 * 2 * 2.8))


def test_what_is_improved_costs_no_more_and_holds_the_same_orders() -> None:
    day = draw(find("delivery/town").make("train").place, 3)
    vehicles = [Vehicle(day.town.depots[0], 100, day.orders[start : start + 4]) for start in (0, 4, 8, 12)]
    routes = improved(day, vehicles)
    before = sum(drive(day, each.depot, each.route, 100).cost for each in vehicles)
    after = sum(drive(day, day.town.depots[0], route, 100).cost for route in routes)
    assert after < before
    assert sorted(each.number for route in routes for each in route) == list(range(16))


def test_insertion_leaves_at_once_and_just_in_time_waits_for_what_comes() -> None:
    orders = order(0, 4, latest=200), order(1, 4, arrival=25, latest=200)
    assert finished(started(*orders), "insertion")["driving"] == pytest.approx(4 * 4 * 2.8)
    assert finished(started(*orders), "insertion-just-in-time")["driving"] == pytest.approx(2 * 4 * 2.8)


def test_the_nearest_vehicle_is_one_that_is_at_home() -> None:
    env = started(order(0, 9), order(1, 1, arrival=5))
    act = RULES["nearest"](env)
    env.step(act(None))
    first = env.moment.vehicle
    env.step(act(None))
    env.step(act(None))
    assert env.moment.vehicle != first


def test_a_full_vehicle_leaves_the_rest_for_its_next_tour() -> None:
    env = started(*(order(number, 1, parcels=3) for number in range(3)))
    finished(env, "insertion")
    loads = [sum(each.parcels for each in done.route) for done in env.fleet.tours]
    assert loads == [3, 3, 3]


def test_pyvrp_finds_the_shortest_tour_of_a_few_orders() -> None:
    env = started(order(0, 3), order(1, -2), order(2, 1))
    for _ in range(3):
        env.step(0 if env.moment.order is not None else WAIT)
    orders = [each for route in env.fleet.routes for each in route]
    placed = [tuple(env.day.orders[number] for number in numbers) for numbers in solve(env.fleet, 0.1)]
    assert sorted(each.number for route in placed for each in route) == [0, 1, 2]
    cost = sum(drive(env.day, (0, 0), route, 0).driving for route in placed)
    best = min(drive(env.day, (0, 0), tour, 0).driving for tour in itertools.permutations(orders))
    assert cost == pytest.approx(best) == pytest.approx(2 * (3 + 2) * 2.8)


def test_pyvrp_would_rather_drive_on_than_be_late() -> None:
    env = started(order(0, 3, latest=9), order(1, -3, latest=9))
    for _ in range(2):
        env.step(0)
    assert sorted(solve(env.fleet, 0.1)) == [(0,), (1,)]


def test_rewards_add_up_to_the_minutes() -> None:
    env = find("delivery/town").make("train")
    env.reset(seed=4)
    act = RULES["insertion-replanned"](env)
    total, minutes, done = 0.0, 0.0, False
    while not done:
        _, reward, done, _, info = env.step(act(None))
        total += reward
        minutes += info["costs"]["minutes"]
    assert total == pytest.approx(-minutes / 20)


def test_what_cannot_be_done_is_refused_with_what_can() -> None:
    env = started(order(0, 4))
    with pytest.raises(ControlError, match=r"expected one of \[0, 1\] \(order 0: which vehicle\), got 3"):
        env.step(3)
    env.step(0)
    env.step(REPLAN)
    with pytest.raises(ControlError, match=r"expected one of \[0, 1\] \(vehicle 0: leave, wait, re-plan\), got 2"):
        env.step(REPLAN)
    with pytest.raises(ControlError, match=r"expected Routes of 2 vehicles with the orders \[0\]"):
        env.step(Routes(((0,), (0,))))
    with pytest.raises(ControlError, match="seconds: expected a positive number, got 0"):
        solve(env.fleet, 0)
    env.step(LEAVE)
    assert env.moment.over
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Delivery(TOWN, "train", render_mode="human")


def test_the_picture_is_rgb() -> None:
    env: Any = started(order(0, 4), order(1, 3))
    env.step(0)
    image = env.render()
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
