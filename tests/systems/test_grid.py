"""The grid of 14 buses on Grid2Op: its flows, its days, and what operators do."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems import SystemContract, find

if importlib.util.find_spec("grid2op") is None or importlib.util.find_spec("lightsim2grid") is None:
    pytest.skip("needs the extra grid", allow_module_level=True)

from trimtab.systems.grid import Topology
from trimtab.systems.grid.days import EXPOSED, MOMENTS, NAMES, OUTAGE, Day, Outage, Scenario, Stress, draw, measured
from trimtab.systems.grid.flows import BROKEN, Flows
from trimtab.systems.grid.room import STEPS
from trimtab.systems.grid.rules import SAFE, do_nothing, greedy, secure

HEAVY = 1.25
"""A factor on load and generation under which a line is near its limit for most of the day."""


class TestCase14(SystemContract):
    system = find("grid/case14")
    steps = 6


@pytest.fixture(scope="module")
def env():
    made = Topology("train")
    yield made
    made.close()


def heavy(outages: tuple[Outage, ...] = ()) -> Scenario:
    day = measured("0000/0")
    return Scenario("heavy", Day(HEAVY * day.load_p, HEAVY * day.load_q, HEAVY * day.prod_p, day.prod_v), outages)


def begun(env: Topology, scenario: Scenario) -> Topology:
    env.reset(seed=0)
    env.room.begin(scenario)
    env._look()
    return env


def test_loads_are_those_that_grid2op_comes_to(env):
    begun(env, heavy())
    flows, seen = Flows(env.room.grid), env.room.seen
    assert flows.loads(seen.topo_vect) == pytest.approx(seen.rho, abs=1e-4)
    checked = 0
    for split in env.legal()[::7]:
        simulated, _, broken, _ = seen.simulate(env.room.grid.action_space(split.change(seen.topo_vect)), time_step=0)
        if not broken:
            topology = seen.topo_vect.copy()
            topology[list(split.places)] = split.busbars
            # Grid2Op's simulation starts from what was forecast, and differs in the last digits
            assert flows.loads(topology) == pytest.approx(simulated.rho, abs=0.02)
            checked += 1
    assert checked > 5


def test_loads_after_an_outage_are_those_of_the_grid_without_the_line(env):
    begun(env, heavy())
    flows, seen = Flows(env.room.grid), env.room.seen
    after = flows.after(seen.topo_vect, EXPOSED)
    for line, loads in zip(EXPOSED, after, strict=True):
        out = seen.topo_vect.copy()
        out[[env.room.grid.line_or_pos_topo_vect[line], env.room.grid.line_ex_pos_topo_vect[line]]] = -1
        assert loads == pytest.approx(Flows(env.room.grid).loads(out), abs=1e-4)


def test_a_grid_that_falls_apart_is_loaded_as_much_as_can_be(env):
    begun(env, heavy())
    topology = env.room.seen.topo_vect.copy()
    topology[env.room.grid.line_or_pos_topo_vect] = -1
    topology[env.room.grid.line_ex_pos_topo_vect] = -1
    assert (Flows(env.room.grid).loads(topology) == BROKEN).all()


def test_days_of_splits_differ_and_are_drawn_within_their_bounds():
    names = [name for split in NAMES for name in NAMES[split]]
    assert len(set(names)) == len(names)
    stress = Stress(scale=(0.5, 0.5), outages=(2, 2), spread=0.0)
    drawn = draw("train", stress, generator(0, "grid"))
    assert drawn.day.load_p == pytest.approx(0.5 * measured(drawn.name).load_p)
    first, second = sorted(outage.start for outage in drawn.outages)
    assert first + OUTAGE < second + 1 <= MOMENTS - OUTAGE
    assert all(outage.line in EXPOSED for outage in drawn.outages)


def test_a_line_is_lost_when_it_was_drawn_and_comes_back_by_itself(env):
    quiet = measured("0000/0")
    begun(
        env, Scenario("quiet", Day(0.8 * quiet.load_p, 0.8 * quiet.load_q, 0.8 * quiet.prod_p, quiet.prod_v), (Outage(12, 50),))
    )
    env.step(0)
    room = env.room
    assert room.survived
    out = np.array([loads[12] == 0 for loads in room.log])
    assert out.any()
    assert out[51 : 50 + OUTAGE].all()
    assert not out[:49].any()
    assert not out[52 + OUTAGE :].any()


def test_what_is_lost_is_the_rest_of_the_day(env):
    costs = dict.fromkeys(("not survived", "survived"), 0.0)
    for seed in range(30):
        env.reset(seed=seed)
        over, steps = False, 0.0
        while not over:
            _, reward, over, _, info = env.step(0)
            steps += reward
        costs = info["costs"]
        if costs["not survived"]:
            break
    assert costs["survived"] == 0
    assert costs["not survived"] == pytest.approx(100 * (STEPS - env.room.time + 1) / STEPS)
    assert steps == pytest.approx(-costs["not survived"] / 100)


def test_greedy_takes_what_lowers_the_highest_load(env):
    begun(env, heavy())
    room = env.room
    chosen = greedy(env)(None)
    change = env.change(chosen)
    others = [room.foreseen(split.change(room.seen.topo_vect)) for split in env.legal()]
    assert room.foreseen(change) == pytest.approx(min([*others, room.foreseen({})]))
    assert do_nothing(env)(None) == 0


def test_secure_keeps_lines_below_the_limit_and_looks_at_what_may_fail(env):
    begun(env, heavy())
    chosen = env.choices[secure(env)(None)]
    below = [choice for choice in env.choices if choice.highest < SAFE]
    assert below
    assert chosen.highest < SAFE
    overload = [np.maximum(choice.after - 1, 0).sum() for choice in below]
    assert np.maximum(chosen.after - 1, 0).sum() == min(overload)


def test_a_substation_that_was_changed_rests(env):
    begun(env, heavy())
    split = env.choices[1].split
    assert split is not None
    env.step(1)
    if not env.room.over and env.room.seen.time_before_cooldown_sub[split.sub] > 0:
        assert all(legal.sub != split.sub for legal in env.legal())


def test_moves_outside_the_mask_are_refused(env):
    begun(env, heavy())
    with pytest.raises(ControlError, match="action: expected one of"):
        env.step(len(env.choices))
    with pytest.raises(ControlError, match="action: expected one of"):
        env.step(-1)


def test_it_draws_what_it_is_asked_to():
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Topology("train", render_mode="human")
    env = Topology("train", render_mode="rgb_array")
    env.reset(seed=1)
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    env.close()
