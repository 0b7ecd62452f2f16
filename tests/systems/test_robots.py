"""Robot control, on MuJoCo."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import SystemContract, find
from trimtab.systems.robots.rules import torques


class TestPendulum(SystemContract):
    system = find("robots/inverted-pendulum")


class TestReacher(SystemContract):
    system = find("robots/reacher")


class TestHopper(SystemContract):
    system = find("robots/hopper")


def played(name, rule, seed=0):
    env = find(name).make("train")
    seen, _ = env.reset(seed=seed)
    act, over, info = find(name).rules[rule](env), False, {}
    while not over:
        seen, _, terminated, truncated, info = env.step(act(seen))
        over = terminated or truncated
    return info["costs"]["shortfall"]


def test_linear_feedback_keeps_the_pole_up_and_rest_does_not():
    assert played("robots/inverted-pendulum", "balance") == 0
    assert played("robots/inverted-pendulum", "rest") > 900


def test_a_spring_brings_the_finger_nearer_than_rest():
    assert np.mean([played("robots/reacher", "reach", seed) for seed in range(5)]) < 0.7 * np.mean(
        [played("robots/reacher", "rest", seed) for seed in range(5)]
    )


def test_the_torques_of_a_stretched_arm_by_hand():
    # both joints at 0, the target 0.01 m to the left of the finger: Jᵀ e = [(0.1 + 0.11) 0.01, 0.11 · 0.01], times 20
    seen = np.array([1, 1, 0, 0, 0.21, 0.01, 0, 0, 0, -0.01])
    assert torques(seen) == pytest.approx([0.042, 0.022])
    # and turning at 1 rad/s is braked by 0.1
    seen[6:8] = 1.0
    assert torques(seen) == pytest.approx([-0.058, -0.078])


def test_torques_beyond_the_motors_are_refused():
    env = find("robots/reacher").make("train")
    env.reset(seed=0)
    with pytest.raises(ControlError, match="torques"):
        env.step(np.array([2.0, 0.0], dtype=np.float32))
