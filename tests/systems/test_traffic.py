"""Traffic signals, in SUMO."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import SystemContract, find
from trimtab.systems.traffic.junction import changeover, green_phases
from trimtab.systems.traffic.plans import cycle


class TestCologne(SystemContract):
    system = find("traffic/cologne1")
    steps = 40


def played(rule, seed=0, steps=200):
    env = find("traffic/2way-single").make("train")
    seen, _ = env.reset(seed=seed)
    act, delay = find("traffic/2way-single").rules[rule](env), 0.0
    for _ in range(steps):
        seen, _, _, _, infos = env.step(act(seen))
        delay += sum(info["costs"].get("delay", 0.0) for info in infos.values())
    env.close()
    return delay


def test_a_signal_that_sees_the_traffic_delays_less_than_one_by_the_clock():
    assert played("max-pressure") < 0.8 * played("fixed")


def test_websters_cycle_by_hand():
    # (1.5 · 8 + 5) / (1 − 0.6)
    assert cycle(8.0, 0.6) == pytest.approx(42.5)


def test_what_loses_its_green_turns_yellow_and_what_keeps_it_does_not():
    assert changeover("GGrr", "GrGr") == "Gyrr"
    assert green_phases(["GGrr", "yyrr", "rrGG"]) == ("GGrr", "rrGG")


def test_a_green_that_has_just_begun_may_not_end():
    env = find("traffic/2way-single").make("train")
    _, infos = env.reset(seed=0)
    (agent,) = env.possible_agents
    other = int(np.flatnonzero(infos[agent]["action_mask"])[-1])
    *_, infos = env.step({agent: other})
    mask = infos[agent]["action_mask"]
    if not mask.all():
        with pytest.raises(ControlError):
            env.step({agent: int(np.flatnonzero(~mask)[0])})
    env.close()


def test_the_simulation_that_another_has_replaced_says_so():
    first, second = (find("traffic/2way-single").make("train") for _ in range(2))
    first.reset(seed=0)
    second.reset(seed=0)
    with pytest.raises(ControlError, match="one in a process"):
        first.step(dict.fromkeys(first.possible_agents, 0))
    first.reset(seed=1)
    first.close()


def test_a_picture_is_drawn():
    env = find("traffic/cologne1").make("test")
    env.render_mode = "rgb_array"
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape[2] == 3
    env.close()
