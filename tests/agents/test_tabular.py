"""Q-learning and SARSA by hand, and what tables with several heads can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimtab.agents import Discretiser, EpsilonGreedy, TabularAgent, Transition, make
from trimtab.errors import AgentError

GREEDY = EpsilonGreedy(0.0, 0.0, 0)


def agent(rule: str = "q-learning", heads: tuple[int, ...] = (2,), **options: Any) -> TabularAgent:
    made = make(rule, features=1, heads=heads, seed=0, **{"exploration": GREEDY, **options})
    assert isinstance(made, TabularAgent)
    return made


def move(
    here: int, action: tuple[int, ...], reward: float, there: int, *, end: str = "", stream: int = 0, **more: Any
) -> Transition:
    return Transition(
        np.array([here]), action, reward, np.array([there]), end == "terminated", end == "truncated", stream=stream, **more
    )


def test_q_learning_by_hand() -> None:
    learner = agent(alpha=0.5, gamma=0.9)
    learner.learn(move(1, (0,), 4.0, 2, end="terminated"))
    assert learner.table()[(1,)].tolist() == [2.0, 0.0]
    learner.learn(move(0, (1,), 1.0, 1))
    assert learner.table()[(0,)].tolist() == [0.0, 0.5 * (1.0 + 0.9 * 2.0)]


def test_sarsa_by_hand_waits_for_the_next_action_of_its_stream() -> None:
    learner = agent("sarsa", alpha=0.5, gamma=0.9, initial=[[1.0, 3.0]])
    learner.learn(move(0, (0,), 1.0, 1, stream=4))
    learner.learn(move(7, (1,), 1.0, 8, stream=5))
    assert learner.table() == {}
    learner.learn(move(1, (0,), 2.0, 2, end="terminated", stream=4))
    assert learner.table()[(0,)].tolist() == [1.0 + 0.5 * (1.0 + 0.9 * 1.0 - 1.0), 3.0]
    assert learner.table()[(1,)].tolist() == [1.0 + 0.5 * (2.0 - 1.0), 3.0]


def test_sarsa_that_is_cut_off_asks_itself_what_it_would_do() -> None:
    learner = agent("sarsa", alpha=1.0, gamma=0.5, initial=[[1.0, 3.0]])
    learner.learn(move(0, (0,), 1.0, 1, end="truncated"))
    assert learner.table()[(0,)].tolist() == [1.0 + 0.5 * 3.0, 3.0]


def test_q_learning_looks_only_at_moves_that_will_be_allowed() -> None:
    learner = agent(alpha=1.0, gamma=1.0, initial=[[1.0, 3.0]])
    learner.learn(move(0, (0,), 0.0, 1, next_masks=[np.array([True, False])]))
    assert learner.table()[(0,)].tolist() == [1.0, 3.0]


def test_a_falling_step_size_makes_a_value_the_mean_of_its_targets() -> None:
    learner = agent(alpha=1.0, alpha_power=1.0)
    for reward in (3.0, 5.0, 10.0):
        learner.learn(move(0, (0,), reward, 1, end="terminated"))
    assert learner.table()[(0,)][0] == pytest.approx(6.0)


def test_optimistic_values_make_a_greedy_agent_try_everything() -> None:
    learner = agent(heads=(5,), alpha=0.5, initial=10.0)
    taken: set[int] = set()
    for _ in range(5):
        action = learner.decide(np.array([0])).action
        taken.add(action[0])
        learner.learn(move(0, action, 0.0, 0, end="terminated"))
    assert taken == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("coordination", "earns"), [("independent", 0.0), ("sequential", 8.0)])
def test_only_heads_that_see_each_other_solve_the_game_of_penalties(coordination: str, earns: float) -> None:
    """Son et al. 2019: a known limit of heads which do not see what the others choose."""
    payoff = np.array([[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]])
    learner = agent(heads=(3, 3), coordination=coordination, exploration=EpsilonGreedy(1.0, 1.0, 0), alpha=0.05)
    for _ in range(2500):
        action = learner.decide(np.array([0])).action
        learner.learn(move(0, action, float(payoff[action]), 0, end="terminated"))
    assert payoff[learner.decide(np.array([0]), explore=False).action] == earns


@pytest.mark.parametrize("rule", ["q-learning", "sarsa"])
def test_a_corridor_is_learned_to_its_exact_values(rule: str) -> None:
    """Five states in a row, +1 at the right end, γ = 0.9: the value of going right from state s is 0.9^(4−s)."""
    learner = make(rule, features=1, heads=(2,), seed=1, alpha=0.5, gamma=0.9, exploration=EpsilonGreedy(1.0, 0.0, 2000))
    state, stream = 0, 0
    for _ in range(4000):
        action = learner.decide(np.array([state]), stream=stream).action
        there = max(state - 1, 0) if action == (0,) else state + 1
        learner.learn(move(state, action, float(there == 5), there, end="terminated" if there == 5 else "", stream=stream))
        state, stream = (0, stream + 1) if there == 5 else (there, stream)
    values = learner.value(np.arange(5, dtype=np.float32)[:, None])[0]
    assert values == pytest.approx([0.9**4, 0.9**3, 0.9**2, 0.9, 1.0], abs=0.02)


def test_the_table_can_be_read() -> None:
    learner = agent(alpha=0.5)
    learner.learn(move(3, (1,), 2.0, 0, end="terminated"))
    text = str(learner)
    assert "q-learning" in text
    assert "3" in text
    assert "1*" in text


def test_a_discretiser_puts_what_lies_beyond_into_the_outer_bins() -> None:
    bins = Discretiser(low=(0.0,), high=(1.0,), bins=(4,), columns=(1,))
    assert [bins.state(np.array([9.0, x])) for x in (-5.0, 0.0, 0.3, 0.99, 1.0, 7.0)] == [(0,), (0,), (1,), (3,), (3,), (3,)]


def test_observations_that_are_no_integers_need_a_discretiser() -> None:
    with pytest.raises(AgentError, match="discretiser"):
        agent().decide(np.array([0.5]))
    binned = agent(discretiser=Discretiser.uniform(1, bins=3))
    assert binned.decide(np.array([0.5]), explore=False).action == (0,)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.1}, "alpha"),
        ({"alpha_power": -1.0}, "alpha_power"),
        ({"gamma": 1.5}, "gamma"),
        ({"gamma": float("nan")}, "gamma"),
        ({"initial": [[0.0]]}, "initial[0]"),
        ({"initial": "high"}, "initial"),
        ({"coordination": "value-decomposition"}, "'independent', 'sequential'"),
        ({"discretiser": {"low": (0,), "high": (0,), "bins": (2,)}}, "low < high"),
        ({"discretiser": {"low": (0, 0), "high": (1, 1), "bins": (2, 2)}}, "columns in 0..0"),
        ({"discretiser": "fine"}, "discretiser"),
        ({"exploration": "thompson"}, "members"),
        ({"step": 0.1}, "'alpha'"),
    ],
)
def test_an_option_that_is_not_legal_is_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(AgentError) as caught:
        agent(**options)
    assert named in str(caught.value)
