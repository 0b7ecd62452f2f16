"""Agents on Gymnasium's spaces and environments."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from trimtab.agents import EpsilonGreedy, adapt, evaluate, make, train
from trimtab.agents.gym_spaces import action_view, observation_view
from trimtab.errors import AgentError

NESTED = spaces.Dict(
    {
        "a": spaces.Discrete(3, start=5),
        "b": spaces.Box(-1.0, 1.0, (2, 2)),
        "c": spaces.MultiDiscrete([2, 4]),
        "d": spaces.Tuple([spaces.MultiBinary(3), spaces.Discrete(2)]),
    }
)
ACTIONS = (
    spaces.Discrete(4, start=-2),
    spaces.MultiDiscrete([3, 5]),
    spaces.MultiDiscrete([[2, 2], [3, 3]]),
    spaces.MultiBinary(4),
    spaces.Box(np.array([-1.0, 0.0], dtype=np.float32), np.array([1.0, 10.0], dtype=np.float32)),
)


def test_nested_observations_become_one_vector() -> None:
    view = observation_view(NESTED)
    assert view.features == 3 + 4 + (2 + 4) + (3 + 2)
    value = {"a": 6, "b": np.full((2, 2), 0.5), "c": np.array([1, 2]), "d": (np.array([1, 0, 1]), 0)}
    vector = view.encode(value)
    assert vector.tolist() == [0, 1, 0, 0.5, 0.5, 0.5, 0.5, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0]
    assert vector.dtype == np.float32


def test_discrete_observations_can_stay_integers_for_tables() -> None:
    assert observation_view(spaces.Discrete(500), discrete="integer").encode(499).tolist() == [499.0]
    assert observation_view(spaces.MultiDiscrete([3, 4]), discrete="integer").encode(np.array([2, 3])).tolist() == [2.0, 3.0]


@given(st.sampled_from(ACTIONS), st.data())
def test_every_choice_is_an_action_of_the_space(space: Any, data: st.DataObject) -> None:
    view = action_view(space, bins=4)
    moves = tuple(data.draw(st.integers(0, count - 1)) for count in view.heads)
    assert space.contains(view.decode(moves))


def test_a_box_is_cut_from_its_low_to_its_high_end() -> None:
    view = action_view(ACTIONS[-1], bins=3)
    assert view.heads == (3, 3)
    assert [view.decode((move, move)).tolist() for move in range(3)] == [[-1.0, 0.0], [0.0, 5.0], [1.0, 10.0]]


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (lambda: observation_view(spaces.Text(5)), "observation space"),
        (lambda: observation_view(spaces.Dict({"a": spaces.Text(5)})), "observation space"),
        (lambda: observation_view(spaces.Dict({})), "observation space"),
        (lambda: observation_view(spaces.Discrete(3), discrete="binary"), "'one-hot', 'integer'"),
        (lambda: action_view(spaces.Box(-np.inf, np.inf, (2,))), "finite bounds"),
        (lambda: action_view(spaces.Box(0.0, 1.0, (2,)), bins=1), "bins"),
        (lambda: action_view(spaces.Dict({"a": spaces.Discrete(2)})), "action space"),
    ],
)
def test_a_space_that_cannot_be_had_is_refused(act: Any, named: str) -> None:
    with pytest.raises(AgentError, match=named):
        act()


def test_q_learning_finds_the_short_way_along_the_cliff_and_sarsa_the_safe_one() -> None:
    """Sutton & Barto 2018, example 6.6."""
    online: dict[str, float] = {}
    for rule in ("q-learning", "sarsa"):
        view = adapt(gymnasium.make("CliffWalking-v1", max_episode_steps=500), discrete="integer")
        agent = make(rule, features=view.features, heads=view.heads, seed=0, alpha=0.5, exploration=EpsilonGreedy(0.1, 0.1, 0))
        online[rule] = train(agent, view, episodes=400, seed=0).mean_return(150)
        if rule == "q-learning":
            assert evaluate(agent, view, episodes=2, seed=0).tolist() == [-13.0, -13.0]
    assert online["sarsa"] > online["q-learning"]


def test_the_masks_of_an_environment_are_kept() -> None:
    view = adapt(gymnasium.make("Taxi-v4"), discrete="integer", masks=True)
    agent = make("random", features=view.features, heads=view.heads, seed=0)
    observation, masks = view.reset(0)
    for _ in range(50):
        action = agent.decide(observation, masks).action
        assert masks is not None
        assert masks[0][action[0]]
        observation, _, _, _, masks = view.step(action)
    with pytest.raises(AgentError, match="action_mask"):
        adapt(gymnasium.make("CartPole-v1"), masks=True).reset(0)


def test_training_is_the_same_for_the_same_seed() -> None:
    curves = []
    for seed in (3, 3, 4):
        agent = make("dqn", features=4, heads=(2,), seed=seed, hidden=(16,), learning_starts=50, train_every=8)
        curves.append(train(agent, gymnasium.make("CartPole-v1"), steps=300, seed=seed))
    assert curves[0] == curves[1] != curves[2]
    assert curves[0].steps == 300
    assert sum(curves[0].lengths) <= 300


def test_a_box_of_actions_is_learned_as_heads() -> None:
    env = gymnasium.make("Pendulum-v1")
    view = adapt(env, bins=3)
    agent = make("dqn", features=view.features, heads=view.heads, seed=0, hidden=(16,), learning_starts=32)
    curve = train(agent, view, episodes=1, seed=0)
    assert curve.lengths == (200,)
    assert evaluate(agent, view, episodes=1, seed=1).shape == (1,)


def test_an_agent_that_does_not_fit_is_refused() -> None:
    agent = make("random", features=4, heads=(3,), seed=0)
    with pytest.raises(AgentError, match="heads"):
        train(agent, gymnasium.make("CartPole-v1"), steps=10)
    fitting = make("random", features=4, heads=(2,), seed=0)
    for wrong in ({}, {"steps": 1, "episodes": 1}, {"steps": 0}, {"episodes": -1}):
        with pytest.raises(AgentError, match=r"steps|episodes"):
            train(fitting, gymnasium.make("CartPole-v1"), **wrong)


@pytest.mark.slow
def test_the_dqn_learns_to_balance_a_pole() -> None:
    agent = make(
        "dqn", features=4, heads=(2,), seed=0, hidden=(64, 64), gamma=0.99, lr=2.3e-3, lr_end=1e-5, lr_steps=20_000,
        learning_starts=1_000, train_every=256, gradient_steps=128, target_every=10, exploration=EpsilonGreedy(1.0, 0.04, 5_000),
    )  # fmt: skip
    train(agent, gymnasium.make("CartPole-v1"), steps=20_000, seed=0)
    assert evaluate(agent, gymnasium.make("CartPole-v1"), episodes=20, seed=1).mean() > 300
