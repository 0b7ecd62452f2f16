"""Caution: a move of reference is left only where every member of an ensemble agrees, or to explore."""

import numpy as np
import pytest

from trimtab import agents
from trimtab.agents.caution import cautious
from trimtab.errors import AgentError


def test_a_move_that_one_member_doubts_is_not_made() -> None:
    assert cautious(np.array([[5.0, 0.0], [-0.1, 0.0]]), reference=1) == 1


def test_of_moves_that_all_prefer_the_surest_is_made() -> None:
    assert cautious(np.array([[0.0, 9.0, 2.0], [0.0, 0.1, 1.0]]), reference=0) == 2


def test_a_masked_move_is_never_made() -> None:
    assert cautious(np.array([[0.0, -np.inf], [0.0, -np.inf]]), reference=0) == 0


def cautious_agent(seed: int = 0) -> agents.Agent:
    options = {"members": 3, "hidden": (16,), "references": (1, 0), "exploration": agents.EpsilonGreedy(0.0, 0.0, 0)}
    return agents.make("dqn", features=2, heads=(3, 4), seed=seed, **options)


def test_before_anything_is_learned_members_disagree_and_the_references_stand() -> None:
    kept = [cautious_agent(seed).decide(np.ones(2)).action == (1, 0) for seed in range(40)]
    assert sum(kept) > 20


def test_what_pays_is_learned_in_spite_of_caution() -> None:
    agent = cautious_agent()
    rng = np.random.default_rng(0)
    observation = np.ones(2, dtype=np.float32)
    for stream in range(600):
        action = (int(rng.integers(3)), int(rng.integers(4)))
        reward = float(action[0] == 2) + 0.01 * float(rng.normal())
        agent.learn(agents.Transition(observation, action, reward, observation, terminated=True, stream=stream))
    decision = agent.decide(observation)
    assert decision.action[0] == 2
    assert decision.explored == (False, False)


def test_a_cautious_agent_survives_being_encoded() -> None:
    agent = cautious_agent()
    again = agents.decode(agent.encode())
    assert again.decide(np.ones(2)).action == agent.decide(np.ones(2)).action


def test_references_of_the_wrong_number_are_named() -> None:
    with pytest.raises(AgentError, match="references"):
        agents.make("dqn", features=2, heads=(3, 4), seed=0, members=3, references=(1,))


def test_a_cautious_agent_does_what_it_is_advised_until_all_members_agree_on_another_move() -> None:
    options = {"members": 5, "prior_scale": 0.0, "bootstrap": 0.8, "hidden": (16,), "lr": 1e-2, "learning_starts": 16}
    agent = agents.make("dqn", features=3, heads=(3,), seed=0, advised=True, cautious=True, gamma=0.0, n_step=1, **options)
    advice = np.array([0.0, 0.1, 0.0], dtype=np.float32)
    assert agent.decide(advice, explore=False).action == (1,)
    for step in range(300):
        move = agent.decide(advice, stream=step).action
        agent.learn(agents.Transition(advice, move, float(move == (2,)), advice, terminated=True, stream=step))
    assert agent.decide(advice, explore=False).action == (2,)
    assert agent.decide(np.zeros(3, dtype=np.float32), [np.array([True, False, False])], explore=False).action == (0,)


def test_caution_needs_advice() -> None:
    with pytest.raises(AgentError, match="cautious"):
        agents.make("dqn", features=3, heads=(3,), seed=0, cautious=True)
