"""Traffic signals, on SUMO's networks of one junction."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems import SystemContract, find

if importlib.util.find_spec("libsumo") is None or importlib.util.find_spec("sumo_rl") is None:
    pytest.skip("needs the extra traffic, and sumo-rl for its networks", allow_module_level=True)

from trimtab.systems.traffic import Signals
from trimtab.systems.traffic.demand import another_day
from trimtab.systems.traffic.junction import Junction, changeover, green_phases
from trimtab.systems.traffic.places import PLACES, Demand, Journey
from trimtab.systems.traffic.plans import cycle, fewest, green_times
from trimtab.systems.traffic.pressure import pressures, queues
from trimtab.systems.traffic.signal import Program

COUNTED = ("count", "timeLoss", "departDelay")
CROSSING = Junction("c", ("Gr", "rG"), 3.0, (("n_c_0", "c_s_0"), ("w_c_0", "c_e_0")))
"""One lane from the north and one from the west, each with one way to go."""
FORK = Junction("f", ("GGr", "rrG"), 3.0, (("n_f_0", "f_s_0"), ("n_f_0", "f_e_0"), ("w_f_0", "f_e_0")))
"""One lane from the north, which goes straight on or to the east, and one from the west."""


class TestTwoWays(SystemContract):
    system = find("traffic/2way-single")
    steps = 60


class TestIngolstadt(SystemContract):
    system = find("traffic/ingolstadt1")
    steps = 40


class TestCologne8(SystemContract):
    system = find("traffic/cologne8")
    steps = 15


@pytest.fixture
def env():
    made = find("traffic/ingolstadt1").make("train")
    yield made
    made.close()


def test_yellow_stands_between_phases_and_green_that_stays_stays():
    assert changeover("GGrrg", "GrrGr") == "Gyrry"
    assert changeover("srG", "srG") == "srG"
    assert green_phases(["GGrr", "yyrr", "rrGG", "rryy", "GGrr"]) == ("GGrr", "rrGG")


def test_webster_divides_the_cycle_as_the_flows_are():
    # 900 and 450 vehicles an hour on lanes of 1,800: Y = 0.75, L = 6, C = (9 + 5) / 0.25 = 56, greens of 50 s as 2 : 1
    journeys = [Journey(0.0, ("n_c", "c_s"))] * 900 + [Journey(0.0, ("w_c", "c_e"))] * 450
    assert cycle(6.0, 0.75) == pytest.approx(56.0)
    assert [step.seconds for step in green_times(CROSSING, journeys, 1.0)] == [33.0, 17.0]


def test_webster_takes_no_more_phases_than_it_needs():
    both = Junction("c", ("Gr", "rG", "GG"), 3.0, CROSSING.links)
    assert fewest(both, [Journey(0.0, ("n_c", "c_s"))] * 100, 1.0) == (2,)


def test_pressure_is_what_waits_less_what_stands_ahead():
    # 6 and 2 on the lane from the north, with 4 and 8 ahead: 8 - (6 * 4 + 2 * 8) / 8 = 3; from the west 5 - 8, which is none
    vehicles, ahead = np.array([6.0, 2.0, 5.0]), np.array([4.0, 8.0, 8.0])
    assert queues(FORK, vehicles).tolist() == [8.0, 5.0]
    assert pressures(FORK, vehicles, ahead).tolist() == [3.0, 0.0]


def test_another_day_has_about_as_many_journeys_and_keeps_to_the_horizon():
    demand = Demand(tuple(Journey(float(second), ("a", "b")) for second in range(0, 3600, 2)))
    sizes = [len(another_day(demand, 3600, generator(seed, "day")).journeys) for seed in range(40)]
    assert 1600 < np.mean(sizes) < 2000
    assert np.std(sizes) > 100
    times = [one.depart for one in another_day(demand, 3600, generator(0, "day")).journeys]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 3600


def test_a_green_that_has_just_begun_cannot_be_ended(env):
    env.reset(seed=0)
    agent = env.possible_agents[0]
    env.step({agent: 1})
    assert env.mask(agent).tolist() == [False, True, False]
    with pytest.raises(ControlError, match=r"gneJ207.*\[1\].*got 0"):
        env.step({agent: 0})


def test_actions_are_of_all_junctions_and_no_others(env):
    env.reset(seed=0)
    with pytest.raises(ControlError, match="gneJ207"):
        env.step({"elsewhere": 0})
    with pytest.raises(ControlError, match="got 7"):
        env.step({"gneJ207": 7})


def test_a_junction_left_alone_follows_its_own_program(env):
    env.reset(seed=0)
    shown: list[int] = []
    for _ in range(18):
        env.step({"gneJ207": None})
        shown.append(env.signals["gneJ207"].phase)
    # 38, 6 and 37 seconds of green with 3 of yellow: 90 together
    assert shown.count(0) in (8, 9, 10)
    assert list(dict.fromkeys(shown)) == [0, 1, 2]


def test_the_delay_is_what_sumo_counts(env):
    env.reset(seed=1)
    estimated, costs = 0.0, {}
    while env.agents:
        *_, infos = env.step({"gneJ207": Program("own")} if not env.delays else {"gneJ207": None})
        costs = infos["gneJ207"]["costs"]
        estimated += costs["delay"]
    counted = {name: float(env.run.api.simulation.getParameter("", f"device.tripinfo.{name}")) for name in COUNTED}
    arrived = counted["count"] * (counted["timeLoss"] + counted["departDelay"]) / len(env.demand.journeys)
    # the few who are still on the road at the end have lost the rest
    assert arrived < estimated < 1.1 * arrived
    # step by step, what is lost behind the junction or in less than a step before it is not seen
    assert sum(env.delays) == pytest.approx(estimated, rel=0.15)
    assert costs["not entered"] == env.survey.outside


def test_two_environments_in_one_process_take_turns():
    one, other = (find("traffic/ingolstadt1").make(split) for split in ("train", "test"))
    one.reset(seed=0)
    other.reset(seed=0)
    with pytest.raises(ControlError, match="another environment was reset since"):
        one.step({"gneJ207": 0})
    one.reset(seed=0)
    one.step({"gneJ207": 0})
    one.close()
    with pytest.raises(ControlError, match="expected a reset"):
        one.step({"gneJ207": 0})
    other.close()


def test_splits_have_other_days():
    sizes: list[int] = []
    for split in ("train", "validation", "test"):
        env = find("traffic/ingolstadt1").make(split)
        env.reset(seed=0)
        sizes.append(len(env.demand.journeys))
        env.close()
    assert len(set(sizes)) == 3


def test_it_can_be_drawn():
    env = Signals(PLACES[0], "train", render_mode="rgb_array")
    env.reset(seed=0)
    env.step({"t": 0})
    image = env.render()
    assert image is not None
    assert image.dtype == np.uint8
    assert image.ndim == 3
    env.close()
    with pytest.raises(ControlError, match="render_mode"):
        Signals(PLACES[0], "train", render_mode="human")
