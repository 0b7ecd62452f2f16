"""Bandits against numbers worked by hand, and against each other where observations matter."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.agents import Transition, make
from trimtab.errors import AgentError


def pull(agent, observation, move, reward):
    agent.learn(Transition(observation, (move,), reward, observation, terminated=True))


def test_successes_and_failures_are_counted_by_the_share_of_the_reward():
    agent = make("bernoulli", features=1, heads=(2,), seed=0)
    nothing = np.zeros(1, dtype=np.float32)
    for reward in (1.0, 1.0, 0.5, -3.0):
        pull(agent, nothing, 0, reward)
    # Beta(1 + 2.5, 1 + 1.5): mean 3.5 / 6
    assert agent.decide(nothing, explore=False).values[0].tolist() == pytest.approx([3.5 / 6, 0.5])


def test_a_ridge_regression_by_hand():
    agent = make("linear", features=1, heads=(2,), seed=0, ridge=1.0)
    for x, reward in ((1.0, 2.0), (2.0, 3.0)):
        pull(agent, np.array([x], dtype=np.float32), 1, reward)
    # A = I + [1 1]ᵀ[1 1] + [2 1]ᵀ[2 1] = [[6, 3], [3, 3]], b = 2 [1 1] + 3 [2 1] = [8, 5], A⁻¹b = [1, 2/3]
    decision = agent.decide(np.array([3.0], dtype=np.float32), explore=False)
    assert decision.values[0][1] == pytest.approx(3 * 1 + 2 / 3)
    # [3 1] A⁻¹ [3 1]ᵀ = (27 − 18 + 6) / 9
    assert decision.spreads[0][1] == pytest.approx(np.sqrt(15 / 9))
    assert decision.action == (1,)


@pytest.mark.parametrize("name", ["linear", "neural"])
def test_contexts_are_told_apart(name):
    options = {"hidden": (16,), "learning_starts": 20, "lr": 1e-2, "batch_size": 32} if name == "neural" else {}
    agent = make(name, features=2, heads=(2,), seed=0, **options)
    rng = np.random.default_rng(0)
    for _ in range(400):
        context = np.eye(2, dtype=np.float32)[rng.integers(2)]
        move = agent.decide(context).action[0]
        pull(agent, context, move, float(move == context.argmax()) + 0.1 * rng.normal())
    assert [agent.decide(context, explore=False).action[0] for context in np.eye(2, dtype=np.float32)] == [0, 1]


@pytest.mark.parametrize(("name", "options", "told"), [("bernoulli", {"x": 1}, "'x'"), ("linear", {"ridge": 0.0}, "ridge")])
def test_options_that_are_none_are_refused(name, options, told):
    with pytest.raises(AgentError, match=told):
        make(name, features=1, heads=(2,), seed=0, **options)
