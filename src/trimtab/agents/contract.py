"""What every agent must do, as a test class to inherit from.

    class TestMyAgent(AgentContract):
        def agent(self, *, features, heads, seed):
            return MyAgent(features, heads, seed)

        def decode(self, data):
            return MyAgent.decode(data)

pytest finds the tests by their names; nothing of pytest is needed here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import numpy as np

from trimtab.agents.protocol import Agent, Decision, Masks, Transition
from trimtab.agents.registry import decode
from trimtab.errors import AgentError

_FEATURES = 3
_HEADS = (3, 2)


class AgentContract:
    """Tests of one kind of agent. ``learns`` is False for an agent that is not meant to; observations are small integers."""

    learns = True
    bandit_pulls = 300

    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        """Return a fresh agent of the kind under test."""
        raise NotImplementedError

    def decode(self, data: bytes) -> Agent:
        """Return the agent that was encoded."""
        return decode(data)

    def _fresh(self, seed: int = 0, heads: Sequence[int] = _HEADS) -> Agent:
        return self.agent(features=_FEATURES, heads=heads, seed=seed)

    def test_a_decision_has_one_entry_a_head(self) -> None:
        decision = self._fresh().decide(np.zeros(_FEATURES, dtype=np.float32))
        assert len(decision.action) == len(decision.explored) == len(_HEADS)
        for move, values, spreads, moves in zip(decision.action, decision.values, decision.spreads, _HEADS, strict=True):
            assert 0 <= move < moves
            assert values.shape == spreads.shape == (moves,)
            assert np.isfinite(values).all()
            assert (spreads >= 0).all()

    def test_a_masked_move_is_never_made_and_is_worth_nothing(self) -> None:
        agent = self._fresh()
        masks = [np.array([False, True, False]), np.array([True, True])]
        _walk(agent, steps=40, seed=1)
        for trial in range(40):
            decision = agent.decide(_state(trial), masks, explore=trial % 2 == 0)
            assert decision.action[0] == 1
            assert decision.values[0].tolist()[::2] == [-math.inf, -math.inf]
            assert math.isfinite(decision.values[0][1])

    def test_the_same_seed_makes_the_same_decisions_and_another_seed_others(self) -> None:
        first, second, other = (_walk(self._fresh(seed), steps=60, seed=2) for seed in (5, 5, 6))
        assert [decision.action for decision in first] == [decision.action for decision in second]
        assert [decision.action for decision in first] != [decision.action for decision in other]

    def test_no_global_random_state_is_touched(self) -> None:
        before = _global_state()
        _walk(self._fresh(), steps=30, seed=3)
        assert _global_state() == before

    def test_a_decoded_agent_goes_on_as_if_nothing_had_happened(self) -> None:
        agent = self._fresh()
        _walk(agent, steps=50, seed=4)
        copy = self.decode(agent.encode())
        assert copy.heads == agent.heads
        going_on, restored = _walk(agent, steps=50, seed=5), _walk(copy, steps=50, seed=5)
        for mine, its in zip(going_on, restored, strict=True):
            assert mine.action == its.action
            assert mine.explored == its.explored
            assert all(np.array_equal(one, two) for one, two in zip(mine.values, its.values, strict=True))
        assert agent.encode() == copy.encode()

    def test_greedy_decisions_leave_the_agent_as_it_was(self) -> None:
        if not self.learns:
            return
        agent = self._fresh()
        _walk(agent, steps=20, seed=6)
        before = agent.encode()
        choices = {agent.decide(_state(1), explore=False).action for _ in range(5)}
        agent.value(np.stack([_state(1), _state(2)]))
        assert len(choices) == 1
        assert agent.encode() == before

    def test_the_value_has_a_row_a_member_and_a_column_an_observation(self) -> None:
        agent = self._fresh()
        _walk(agent, steps=20, seed=7)
        value = agent.value(np.stack([_state(index) for index in range(4)]))
        assert value.ndim == 2
        assert value.shape[0] >= 1
        assert value.shape[1] == 4
        assert np.isfinite(value).all()

    def test_a_decision_says_what_acting_greedily_is_worth(self) -> None:
        agent = self._fresh()
        _walk(agent, steps=20, seed=7)
        masks: Masks = [np.array([True, True, False]), np.ones(2, dtype=bool)]
        for index in range(4):
            worth = agent.decide(_state(index), masks).worth
            assert np.allclose(worth, agent.value(_state(index)[None], [masks])[:, 0], rtol=1e-4, atol=1e-6)

    def test_it_learns_the_better_arm_of_a_bandit(self) -> None:
        if not self.learns:
            return
        agent = self._fresh(heads=(2,))
        rng = np.random.default_rng(8)
        for pull in range(self.bandit_pulls):
            arm = agent.decide(_state(0), stream=pull).action
            reward = float(arm[0] == 1) + 0.3 * float(rng.normal())
            agent.learn(Transition(_state(0), arm, reward, _state(0), terminated=True, stream=pull))
        assert agent.decide(_state(0), explore=False).action == (1,)

    def test_interleaved_streams_are_kept_apart(self) -> None:
        agent = self._fresh()
        for step in range(30):
            for stream in range(3):
                action = agent.decide(_state(step + stream), stream=stream).action
                ended = step % 5 == 4
                agent.learn(Transition(_state(step), action, 1.0, _state(step + 1), False, truncated=ended, stream=stream))
        assert np.isfinite(agent.value(_state(0)[None])).all()

    def test_bad_input_is_refused_by_name(self) -> None:
        agent = self._fresh()
        ok = _state(0)
        none_left: Masks = [np.zeros(3, dtype=bool), np.ones(2, dtype=bool)]
        _refused(lambda: agent.decide(np.array([np.nan, 0, 0])), "observation")
        _refused(lambda: agent.decide(np.array([1e300, 0, 0])), "observation")
        _refused(lambda: agent.decide(np.zeros(_FEATURES + 1)), "observation")
        _refused(lambda: agent.decide(ok, none_left), "masks")
        _refused(lambda: agent.learn(Transition(ok, (0, 0), math.nan, ok, True)), "reward")
        _refused(lambda: agent.learn(Transition(ok, (3, 0), 0.0, ok, True)), "action")
        _refused(lambda: agent.learn(Transition(ok, (0, 0), 0.0, ok[:2], True)), "next_observation")
        _refused(lambda: self.agent(features=_FEATURES, heads=(), seed=0), "heads")
        _refused(lambda: self.agent(features=_FEATURES, heads=(2, 0), seed=0), "heads")
        _refused(lambda: self.agent(features=0, heads=(2,), seed=0), "features")

    def test_bytes_that_are_no_agent_are_refused(self) -> None:
        data = self._fresh().encode()
        for wrong in (b"", data[: len(data) // 2], b"{}" + data):
            _refused(lambda wrong=wrong: self.decode(wrong), "data")


def _global_state() -> str:
    return repr((np.random.get_state(), random.getstate()))  # noqa: NPY002 (the legacy state is what must stay)


def _state(index: int) -> np.ndarray:
    return np.array([index % 4, index % 3, 1], dtype=np.float32)


def _walk(agent: Agent, *, steps: int, seed: int) -> list[Decision]:
    """Return the decisions of a short life with masks, rewards, terminations and truncations."""
    rng = np.random.default_rng(seed)
    decisions: list[Decision] = []
    masks: Masks | None = None
    for step in range(steps):
        decision = agent.decide(_state(step), masks, stream=step // 7)
        next_masks: Masks = [np.array([True, step % 2 == 0, True]), np.array([True, True])]
        terminated = step % 14 == 13
        transition = Transition(
            _state(step),
            decision.action,
            float(rng.normal()),
            _state(step + 1),
            terminated,
            step % 7 == 6,
            next_masks,
            step // 7,
            masks,
        )
        agent.learn(transition)
        decisions.append(decision)
        masks = next_masks
    return decisions


def _refused(act: Callable[[], object], names: str) -> None:
    try:
        act()
    except AgentError as error:
        raised = str(error)
    else:
        raised = "no error"
    assert names in raised, f"expected an AgentError that names {names!r}, got: {raised}"
