from __future__ import annotations

import math

import numpy as np
import pytest

from trimtab.controllers.world import World
from trimtab.errors import ControlError
from trimtab.systems import find
from trimtab.systems.contract import SystemContract
from trimtab.systems.driving.bays import best, drive, dubins
from trimtab.systems.driving.dubins import ways
from trimtab.systems.driving.parking import SECONDS, Parking

pytest.importorskip("highway_env")

HALF = 2.5


class TestParking(SystemContract):
    system = find("driving/parking")
    steps = 15


def rear(pose: np.ndarray) -> np.ndarray:
    return pose - HALF * np.array([math.cos(pose[2]), math.sin(pose[2]), 0.0])


def test_every_way_ends_where_it_is_to_end_and_is_as_long_as_it_says() -> None:
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(200):
        start, goal = (np.array([*rng.uniform(-20, 20, 2), rng.uniform(-7, 7)]) for _ in range(2))
        for way in ways(start, goal, 5.0):
            poses = way.poses(start, 5.0, 0.01)
            assert poses[-1, :2] == pytest.approx(goal[:2], abs=1e-6)
            assert math.cos(poses[-1, 2] - goal[2]) == pytest.approx(1.0)
            assert np.hypot(*np.diff(poses[:, :2], axis=0).T).sum() == pytest.approx(way.length, rel=1e-4)
            kinds.add(way.turns)
    assert len(kinds) == 6


def test_to_turn_round_on_the_spot_takes_seven_thirds_of_half_a_circle() -> None:
    # Dubins 1957: a turn of 60 degrees away, one of 300, one of 60 again
    shortest = min(way.length for way in ways(np.zeros(3), np.array([0, 0, math.pi]), 3.0))
    assert shortest == pytest.approx(3.0 * 7 * math.pi / 3)


def test_the_car_is_foreseen_as_highway_env_moves_it() -> None:
    env = Parking("train")
    env.reset(seed=4)
    pose, speed = env.pose, 0.0
    for throttle, wheel in ((1.0, 0.5), (1.0, -1.0), (-0.5, 0.25), (0.0, 0.0)):
        there, speed = drive(rear(pose)[None], speed, throttle, np.array([wheel]))
        env.step(np.array([throttle, wheel], dtype=np.float32))
        assert there[0] == pytest.approx(rear(env.pose), abs=1e-6)
        assert speed == pytest.approx(env.car.speed)
        pose = env.pose


def test_what_is_away_is_what_highway_env_pays_for() -> None:
    env = Parking("train")
    env.reset(seed=1)
    for _ in range(5):
        env.step(np.array([1.0, 0.5], dtype=np.float32))
        seen = env.park.observation_type_parking.observe()
        paid = env.park.compute_reward(seen["achieved_goal"], seen["desired_goal"], {})
        assert math.sqrt(env.away()) == pytest.approx(-paid)


def test_the_shortest_way_parks_with_the_moves_that_agents_have_and_costs_its_seconds() -> None:
    world = World(lambda: Parking("train"), bins=find("driving/parking").bins)
    for seed in range(20):
        moment = world.reset(seed)
        act, costs = dubins(world.env), 0.0
        while not moment.over:
            moment = world.step(world.moves(act(moment.raw)))
            costs += moment.costs["seconds"]
            assert moment.costs["crashes"] == 0
        assert world.env.parked
        assert costs == pytest.approx(world.env.steps / 5)
        assert costs < SECONDS


def test_who_heads_for_a_wall_goes_backwards_first() -> None:
    bay = np.array([0.0, -14.0 + HALF, -math.pi / 2])
    plan = best(rear(np.array([30.0, 0.0, 0.0])), bay)
    assert plan.back > 0
    assert best(np.array([0.0, 0.0, -math.pi / 2]), bay).back == 0


def test_a_crash_costs_all_the_seconds_there_are() -> None:
    env = Parking("train")
    env.reset(seed=0)
    over, costs = False, {"seconds": 0.0, "crashes": 0.0, "not parked": 0.0}
    while not over:
        _, _, over, late, info = env.step(np.array([1.0, 0.0], dtype=np.float32))
        assert not late
        costs = {name: costs[name] + info["costs"][name] for name in costs}
    assert costs == pytest.approx({"seconds": SECONDS, "crashes": 1.0, "not parked": 1.0})


def test_what_is_no_action_is_refused_and_pictures_are_drawn() -> None:
    env = Parking("train", render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(ControlError, match="action: expected two numbers"):
        env.step(np.array([2.0, 0.0]))
    picture = env.render()
    assert picture is not None
    assert picture.shape[2] == 3
    with pytest.raises(ControlError, match="render_mode"):
        Parking("train", render_mode="human")
