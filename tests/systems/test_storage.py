"""Storage in homes: CityLearn's own figures, its own rules, and what a battery is told."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from trimtab.datasets import find as find_dataset
from trimtab.datasets.fetching import is_here
from trimtab.errors import ControlError
from trimtab.systems import SystemContract, find

if importlib.util.find_spec("citylearn") is None or not is_here(find_dataset("citylearn")):
    pytest.skip("needs citylearn and its data", allow_module_level=True)

from citylearn.agents.rbc import BasicBatteryRBC, BasicRBC, OptimizedRBC

from trimtab.systems.storage import Storage
from trimtab.systems.storage.environment import STAYS, totals
from trimtab.systems.storage.home import BEFORE, HOURS, Home, Stay
from trimtab.systems.storage.rules import BATTERY, FOLLOW, HALF, RULES, SAVE, TANK, Shares, basic, basic_battery, optimized


class TestBattery(SystemContract):
    system = find("storage/battery")
    steps = 30


class TestBatteryAndTank(SystemContract):
    system = find("storage/battery-and-tank")
    steps = 6


@pytest.fixture
def env():
    made = Storage(STAYS[2022]["train"], "train")
    made.reset(seed=1)
    return made


def played(env, act):
    total, rewards, over, observation = {}, 0.0, False, None
    while not over:
        observation, reward, _, over, info = env.step(act(observation))
        rewards += reward
        total = {name: total.get(name, 0.0) + cost for name, cost in info["costs"].items()}
    return total, rewards


def test_costs_are_what_citylearn_says_of_the_same_week(env):
    total, rewards = played(env, RULES["basic-battery-rbc"](env))
    found = env.home._run.evaluate()
    told = {row.cost_function: row.value for row in found[found.level == "district"].itertuples()}
    record = env.home.record
    # CityLearn counts the day before too, in which nothing was stored
    for name, named, price in (("cost", "cost_total", record.price), ("carbon", "carbon_emissions_total", record.carbon)):
        before = float(price[:BEFORE] @ np.maximum(record.net[:BEFORE], 0))
        whole = (total[name] / 100 * env.without[name] + before) / (env.without[name] + before)
        assert whole == pytest.approx(told[named], rel=1e-4)
    first = float(np.maximum(record.net[:BEFORE], 0).max())
    peaks = (total["peak"] / 100 * env.without["peak"] + first) / (env.without["peak"] + first)
    assert peaks == pytest.approx(told["daily_peak_average"], rel=1e-3)
    assert total["mean"] == pytest.approx((total["cost"] + total["carbon"] + total["peak"]) / 3)
    assert rewards == pytest.approx((100 - total["mean"]) / 5)


def test_a_home_that_stores_nothing_pays_what_it_pays_without(env):
    total, _ = played(env, lambda _: env.told(0.0, 0.0))
    assert total == pytest.approx(dict.fromkeys(("mean", "cost", "carbon", "peak"), 100.0), rel=1e-4)


@pytest.mark.parametrize(("ours", "theirs"), [(basic, BasicRBC), (optimized, OptimizedRBC), (basic_battery, BasicBatteryRBC)])
def test_rules_by_the_clock_are_those_of_citylearn(env, ours, theirs):
    table = theirs(env.home._run).action_map[0]["electrical_storage"]
    assert {hour: ours(hour) for hour in range(1, 25)} == table


def test_a_rule_by_the_clock_goes_by_the_hour_of_the_home(env):
    act = RULES["basic-rbc"](env)
    assert env.home.record.hour[env.home.now] == 1
    assert act(None) == Shares(0.091, 0.091)
    for _ in range(9):
        env.step(env.told(0.0, 0.0))
    assert act(None) == Shares(-0.08, -0.08)


def test_following_the_meter_draws_and_gives_nothing_while_it_can(env):
    stored = False
    act = RULES["self-consumption"](env)
    for _ in range(48):
        usual, (before, _) = float(env.home.record.net[env.home.now]), env.home.charge
        env.step(act(None))
        drawn = env.home.net[-1]
        assert min(usual, 0) - 1e-6 <= drawn <= max(usual, 0) + 1e-6
        stored = stored or env.home.charge[0] > before
    assert stored


def test_saving_gives_nothing_and_half_covers_half(env):
    env.step(env.told(0.5, 0.0))
    env.step(env.told(0.5, 0.0))
    usual = float(env.home.record.net[env.home.now])
    assert usual > 0
    env.step(env.told(SAVE, 0.0))
    assert env.home.net[-1] == pytest.approx(usual, abs=1e-5)
    usual = float(env.home.record.net[env.home.now])
    env.step(env.told(HALF, 0.0))
    assert env.home.net[-1] == pytest.approx(usual / 2, rel=1e-4)


def test_a_tank_is_heated_and_gives_hot_water():
    env = Storage(STAYS[2023]["train"], "train")
    env.reset(seed=0)
    usual = float(env.home.record.net[env.home.now])
    env.step(env.told(0.0, 0.5))
    assert env.home.charge[1] == pytest.approx(0.5, abs=0.05)
    assert env.home.net[-1] > usual + 0.5
    full = env.home.charge[1]
    while not env.home.record.hot[env.home.now] > 0.1:
        env.step(env.told(0.0, 0.0))
    usual = float(env.home.record.net[env.home.now])
    env.step(env.told(0.0, -1.0))
    assert env.home.charge[1] < full
    assert env.home.net[-1] < usual


def test_homes_and_weeks_of_splits_differ():
    for year in STAYS:
        homes = [number for stays in STAYS[year].values() for number in stays.homes]
        assert len(set(homes)) == len(homes)
    weeks = [day for stays in STAYS[2022].values() for day in stays.days]
    assert len(set(weeks)) == len(weeks)


def test_days_begin_at_midnight():
    home = Home(Stay(2022, 1, 10, seed=0))
    assert home.record.hour[BEFORE] == 1
    assert home.record.hour[BEFORE - 1] == 0
    assert len(home.record.net) == BEFORE + HOURS
    assert totals(home.record.net[BEFORE:], home.record)["peak"] > 0


@pytest.mark.parametrize("action", [[len(BATTERY)], [-1], [0, 0]])
def test_what_is_on_no_list_is_refused(env, action):
    with pytest.raises(ControlError, match="action: expected Shares or an array of indices, one below 11"):
        env.step(np.array(action))


def test_what_is_told_is_on_the_lists(env):
    assert env.told(FOLLOW, -1.0).tolist() == [0]
    both = Storage(STAYS[2023]["train"], "train")
    assert both.told(0.25, 0.1).tolist() == [BATTERY.index(0.25), TANK.index(0.1)]


def test_it_draws_what_it_is_asked_to():
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Storage(STAYS[2022]["train"], "train", render_mode="human")
    env = Storage(STAYS[2022]["train"], "train", render_mode="rgb_array")
    env.reset(seed=0)
    env.step(env.told(FOLLOW, 0.0))
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
