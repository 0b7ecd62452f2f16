"""The road whose middle lanes go either way: no lane is open both ways, and delays are SUMO's own."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems import SystemContract, find

if importlib.util.find_spec("libsumo") is None:
    pytest.skip("needs the extra traffic", allow_module_level=True)

from trimtab.systems.lanes import TidalRoad
from trimtab.systems.lanes.road import CLEARANCE, DIRECTIONS, LANES, MOST, lane_name
from trimtab.systems.lanes.rules import Clock, Counts, Fixed
from trimtab.systems.lanes.tide import HORIZON, draw


class TestTidalRoad(SystemContract):
    system = find("lanes/tidal")
    steps = 6


@pytest.fixture
def env():
    made = TidalRoad("train")
    made.reset(seed=0)
    yield made
    made.close()


def shut(env: TidalRoad, direction: str, lane: int) -> bool:
    return "passenger" not in env.run.api.lane.getAllowed(lane_name(direction, lane))


def test_a_lane_is_never_open_both_ways_and_is_empty_before_it_opens(env):
    rng = np.random.default_rng(0)
    original, turned = env.road.settle, 0

    def settle(now: float) -> None:
        nonlocal turned
        before = dict(env.road.open)
        original(now)
        for direction, other in (DIRECTIONS, DIRECTIONS[::-1]):
            for place in range(MOST):
                assert shut(env, direction, place) == (place >= env.road.open[direction])
            if env.road.open[direction] > before[direction]:
                turned += 1
                opposite = LANES - env.road.open[direction]
                assert env.run.api.lane.getLastStepVehicleNumber(lane_name(other, opposite)) == 0
        assert sum(env.road.open.values()) in (LANES, LANES - 1)

    env.road.settle = settle
    for _ in range(20):
        env.step(int(rng.integers(MOST)))
    assert turned > 3


def test_a_lane_that_is_turned_round_stays_shut_for_its_clearance(env):
    env.step(1)
    assert env.road.open == {"east": 2, "west": 3}
    env.road.wanted = 3
    opened = None
    for second in range(5, 400, 5):
        env.run.advance(env.now + second)
        env.road.settle(env.now + second)
        if env.road.open["east"] == 3:
            opened = second
            break
    assert opened is not None
    assert opened >= CLEARANCE


def test_every_direction_keeps_a_lane(env):
    for action in (0, 0, 0, 3, 3, 3, 3, 3):
        env.step(action)
        assert min(env.road.open.values()) >= 1


def test_costs_come_to_what_sumo_counted(env):
    total, estimated, over, act = 0.0, 0.0, False, Counts(2, 1.0, 0.0)(env)
    while not over:
        _, reward, _, over, info = env.step(act(None))
        total += info["costs"]["delay"]
        estimated -= 5 * reward
    assert env.now == HORIZON
    assert total == pytest.approx(env._exact() / env.tide.vehicles)
    assert estimated == pytest.approx(total, rel=0.1)


def test_days_have_two_tides_and_differ():
    tides = [draw(generator(seed, "tide")) for seed in range(10)]
    for tide in tides:
        assert all((np.diff(times) >= 0).all() and times.max() < HORIZON for times in tide.departures.values())
    assert np.mean([np.median(tide.departures["east"]) for tide in tides]) < HORIZON / 2 - 600
    assert np.mean([np.median(tide.departures["west"]) for tide in tides]) > HORIZON / 2 + 600
    assert len({tide.vehicles for tide in tides}) == 10


def road(east: float, west: float, *, wanted: int = 2, now: float = 0.0) -> SimpleNamespace:
    """Return what rules look at: vehicles an hour that came, none standing."""
    flows = {"east": east, "west": west}
    return SimpleNamespace(
        arrived=lambda direction, _minutes: flows[direction],
        queue=lambda direction: 100 * (direction == "west"),
        road=SimpleNamespace(wanted=wanted),
        now=now,
    )


def test_counts_give_lanes_in_proportion():
    rule = Counts(minutes=5, queue=0.0, gain=0.1)
    assert [rule(road(east, west))(None) + 1 for east, west in ((1000, 4000), (3000, 2000), (4000, 1000))] == [1, 3, 4]
    assert Counts(5, 1000.0, 0.0)(road(3000, 100))(None) + 1 == 1


def test_counts_change_only_for_a_gain():
    # 2100 on three lanes and 1900 on two: the fuller direction has 950 a lane, and with two and three lanes 1050
    assert Counts(5, 0.0, 0.1)(road(2100, 1900, wanted=2))(None) + 1 == 2
    assert Counts(5, 0.0, 0.0)(road(2100, 1900, wanted=2))(None) + 1 == 3


def test_the_clock_and_the_fixed_rule_look_at_no_traffic():
    clock = Clock(first=60, second=80, most=4, between=3)
    assert [clock(road(0, 0, now=60 * minute))(None) + 1 for minute in (59, 60, 80)] == [4, 3, 1]
    assert Fixed(3)(road(0, 9000))(None) + 1 == 3


@pytest.mark.parametrize("action", [4, -1])
def test_a_number_of_lanes_that_cannot_be_is_refused(env, action):
    with pytest.raises(ControlError, match="action: expected one of 0 to 3"):
        env.step(action)


def test_a_road_that_was_not_reset_says_so():
    with pytest.raises(ControlError, match="expected a reset before it"):
        TidalRoad("train").step(0)


def test_it_draws_what_it_is_asked_to():
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        TidalRoad("train", render_mode="human")
    env = TidalRoad("train", render_mode="rgb_array")
    env.reset(seed=0)
    env.step(2)
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    env.close()
