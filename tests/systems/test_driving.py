from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import find
from trimtab.systems.contract import SystemContract
from trimtab.systems.driving import HIGHWAY, Driving
from trimtab.systems.driving.foresight import FASTER, IDLE, LEFT, RIGHT, SLOWER, accelerations, foresee
from trimtab.systems.driving.racetrack import Racetrack, pursuit
from trimtab.systems.driving.roundabout import Roundabout, give_way
from trimtab.systems.driving.rules import lookahead, slower
from trimtab.systems.driving.scene import Scene
from trimtab.systems.driving.shield import rooms, safe
from trimtab.systems.driving.swift import hasten
from trimtab.systems.driving.track import ahead, in_frame
from trimtab.systems.driving.view import FEATURES, view

pytest.importorskip("highway_env")

ALL = np.ones(5, dtype=bool)


class TestHighway(SystemContract):
    system = find("driving/highway-fast")
    steps = 6


class TestMerge(SystemContract):
    system = find("driving/merge")
    steps = 6


class TestRacetrack(SystemContract):
    system = find("driving/racetrack")
    steps = 15


class TestRoundabout(SystemContract):
    system = find("driving/roundabout")
    steps = 6


def scene(*others: tuple[float, float, float], speed: float = 25.0, lanes: tuple[int, int] = (1, 1)) -> Scene:
    """Return a scene with ``others`` so far ahead, so far across and so fast, none of which is changing lane."""
    rows = np.array([(ahead, across, pace, across) for ahead, across, pace in others]).reshape(-1, 4)
    return Scene(speed, 0.0, 0.0, lanes, np.array([20.0, 25.0, 30.0]), 1, rows)


def test_a_car_that_brakes_behind_a_slower_one_falls_back_as_its_controller_says() -> None:
    outlook = foresee(scene((30.0, 0.0, 22.5)), np.array([[SLOWER], [IDLE], [FASTER]]))
    # each tick of 0.2 s a third of the way to the speed that is aimed at: 5 * (2 / 3) ** 5 = 0.658
    assert outlook.speeds[:, 0] == pytest.approx([20.658, 25.0, 29.342], abs=1e-3)
    # metres: 25 * 0.2 each tick; the speeds at the start of the ticks are 20 + 5 * (2 / 3) ** tick
    assert outlook.ahead[:, 0] == pytest.approx([20 + sum((2 / 3) ** tick for tick in range(5)), 25.0, 27.395], abs=1e-3)


def test_room_is_counted_from_bumper_to_bumper_with_those_in_the_way_alone() -> None:
    beside = foresee(scene((10.0, 4.0, 25.0)), np.array([[IDLE]]))
    before = foresee(scene((10.0, 0.0, 22.5)), np.array([[IDLE]]))
    assert beside.clear.min() == 100.0
    assert before.clear[0] == pytest.approx([10 - 5 - 0.5 * tick for tick in range(1, 6)], abs=1e-6)


def test_others_keep_their_distance_as_idm_says() -> None:
    ahead, speed = np.array([0.0, 40.0]), np.array([20.0, 15.0])
    followed = accelerations(ahead, speed, np.ones((2, 2), dtype=bool))
    wanted = 10 + 1.5 * 20 + 20 * 5 / (2 * 15**0.5)
    assert followed == pytest.approx([3 * (1 - (20 / 22.5) ** 4 - (wanted / 40) ** 2), 3 * (1 - (15 / 22.5) ** 4)])


def test_the_shield_lets_nobody_speed_into_a_car_or_move_into_one() -> None:
    crowded = scene((18.0, 0.0, 20.0), (1.0, 4.0, 25.0))
    allowed = safe(crowded, ALL, rooms(crowded))
    assert not allowed[FASTER]
    assert not allowed[RIGHT]
    assert allowed[SLOWER]
    assert allowed[LEFT]
    free = scene()
    assert safe(free, ALL, rooms(free)).all()


def test_a_lane_that_others_are_about_to_take_is_not_taken() -> None:
    # the one on the far lane is held up, and gains by coming over to the middle one
    held_up = scene((14.0, 8.0, 20.0), (26.0, 8.0, 15.0), speed=30.0, lanes=(0, 2))
    room = rooms(held_up)
    assert room[RIGHT] < 2.0 < room[IDLE]


def test_where_no_move_leaves_room_the_one_that_comes_near_last_is_left() -> None:
    trapped = scene((7.0, 0.0, 18.0), (0.0, 4.0, 20.0), (0.0, -4.0, 20.0), speed=20.0)
    allowed = safe(trapped, ALL, rooms(trapped))
    assert allowed.sum() == 1
    assert not allowed[[LEFT, RIGHT, FASTER]].any()


def test_the_view_tells_who_is_next_on_each_lane() -> None:
    seen = view(scene((50.0, 0.0, 20.0), (80.0, 0.0, 35.0), (-20.0, 4.0, 29.5)), np.full(5, 10.0), 0.5)
    own, right = seen[9 + 22 : 9 + 33], seen[9 + 33 : 9 + 44]
    assert seen.shape == (FEATURES,)
    assert seen[8] == 0.5
    # there is a lane; the first ahead: 50 m, closing at 5 m/s, 45 m of room, as slow as can be aimed at; the second; nobody behind
    assert own == pytest.approx([1, 0.5, 5 / 15, 5 / 45, 0, 0.8, 1, 1, 0, 0, 0])
    assert right == pytest.approx([1, 1, 0, 0, 0, 1, 0, 0.2, 4.5 / 15, 4.5 / 15, 9.5 / 15])
    assert seen[-5:] == pytest.approx(0.5)


def driver(around: Scene) -> Any:
    """Return what the rule looks at: a road whose right lane pays most."""
    return SimpleNamespace(
        scene=around,
        mask=lambda: ALL,
        worth=lambda speeds, lanes: 0.04 * (speeds - 20) + 0.05 * lanes,
    )


def test_lookahead_speeds_up_on_a_free_road_and_goes_round_a_slow_car() -> None:
    assert lookahead(driver(scene(lanes=(1, 0))))(None) == FASTER
    assert lookahead(driver(scene((14.0, 0.0, 19.0), speed=25.0, lanes=(1, 0))))(None) == LEFT


def test_slower_brakes_until_it_cannot_brake_more() -> None:
    possible = ALL.copy()
    act = slower(SimpleNamespace(possible=lambda: possible))
    assert act(None) == SLOWER
    possible[SLOWER] = False
    assert act(None) == IDLE


@pytest.mark.parametrize("name", ["highway-fast-v0", "merge-v1", "roundabout-v1"])
def test_hastened_traffic_is_the_same_bit_for_bit(name: str) -> None:
    assert _trace(name, hastened=True) == _trace(name, hastened=False)


def _trace(name: str, *, hastened: bool) -> list[Any]:
    import gymnasium

    env: Any = gymnasium.make(name, disable_env_checker=True).unwrapped
    env.reset(seed=7)
    if hastened:
        hasten(env.road)
    trace: list[Any] = []
    for move in (FASTER, LEFT, IDLE, SLOWER, RIGHT, IDLE):
        _, reward, terminated, _, _ = env.step(move)
        trace.append((reward, [(*car.position, car.speed, car.heading) for car in env.road.vehicles]))
        if terminated:
            break
    return trace


def test_what_is_lost_is_what_the_return_lacks_of_thirty() -> None:
    for rule in ("idle", "slower"):
        env, over, lost, crashes = Driving(HIGHWAY, "train", shield=False), False, 0.0, 0.0
        observation, _ = env.reset(seed=3)
        act = find("driving/highway-fast").rules[rule](env)
        while not over:
            observation, _, terminated, truncated, info = env.step(act(observation))
            over = terminated or truncated
            lost, crashes = lost + info["costs"]["lost return"], crashes + info["costs"]["crashes"]
        assert lost == pytest.approx(30 - env.returned)
        assert crashes == float(env.car.crashed)


def test_moves_that_are_none_are_refused() -> None:
    env = Driving(HIGHWAY, "train")
    env.reset(seed=0)
    for wrong in (None, 5, -1):
        with pytest.raises(ControlError, match=r"action: expected one of .*1 \(as it is\)"):
            env.step(wrong)
    leftmost = next(seed for seed in range(20) if not env.reset(seed=seed)[1]["action_mask"][LEFT] and not env.possible()[LEFT])
    env.reset(seed=leftmost)
    with pytest.raises(ControlError, match="got 0"):
        env.step(LEFT)


def test_at_a_roundabout_cars_are_told_as_they_lie_around() -> None:
    env = Roundabout("train")
    env.reset(seed=0)
    other = next(each for each in env.traffic.road.vehicles if each is not env.car)
    env.traffic.road.vehicles = [env.car, other]
    env.car.position, env.car.heading, env.car.speed = np.array([0.0, 0.0]), np.pi / 2, 5.0
    other.position, other.heading, other.speed = np.array([3.0, 20.0]), -np.pi / 2, 5.0
    # highway-env's y axis goes down: heading down, x + 3 is to the left; 20 m ahead, closing at 10 m/s
    assert env.around()[0] == pytest.approx([20.0, -3.0, -10.0, 0.0, 2.0, 3.0])
    assert give_way(env)(None) in (SLOWER, IDLE)
    other.position = np.array([30.0, -20.0])
    assert give_way(env)(None) == FASTER


def test_pursuit_follows_a_bend_as_geometry_says() -> None:
    env = Racetrack("train")
    env.reset(seed=0)
    env.traffic.road.vehicles = [env.car]
    lane = env.traffic.road.network.get_lane(("b", "c", 1))
    env.car.position, env.car.heading = lane.position(6.0, 0), lane.heading_at(6.0)
    env.car.on_state_update()
    wheel = float(pursuit(env)(None)[0]) * np.pi / 4
    # a kinematic bicycle that goes round with the lane's radius: sin(slip) = (length / 2) / radius
    slip = np.arcsin(env.car.LENGTH / 2 / lane.radius)
    assert abs(wheel) == pytest.approx(np.arctan(2 * np.tan(slip)), rel=0.03)


def test_on_a_straight_way_points_lie_straight_ahead() -> None:
    env = Racetrack("train")
    env.reset(seed=0)
    lane = env.traffic.road.network.get_lane(("a", "b", 0))
    env.car.position, env.car.heading = lane.position(10.0, 0), 0.0
    env.car.on_state_update()
    assert in_frame(env.car, ahead(env.car, 12.0)) == pytest.approx([12.0, 0.0], abs=1e-6)
    assert in_frame(env.car, ahead(env.car, 12.0, aside=True)) == pytest.approx([12.0, 5.0], abs=1e-6)
    with pytest.raises(ControlError, match=r"got 1\.5"):
        env.step(1.5)


@pytest.mark.parametrize("course", ["highway-fast", "roundabout", "racetrack"])
def test_it_draws_roads(course: str) -> None:
    env = find(f"driving/{course}").make("train")
    env.render_mode = "rgb_array"
    env.reset(seed=0)
    assert env.render().ndim == 3


def test_it_draws_what_it_is_asked_to() -> None:
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Driving(HIGHWAY, "train", render_mode="human")
    env = Driving(HIGHWAY, "train", render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert Driving(HIGHWAY, "train").render() is None
