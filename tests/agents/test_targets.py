"""The arithmetic of temporal differences against hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.agents import Transition
from trimtab.agents.normaliser import RewardNormaliser
from trimtab.agents.targets import discount_sum, n_step_return, q_learning, sarsa, step_size, td_error
from trimtab.agents.windows import Windows

NUMBERS = st.floats(-100, 100)


def test_q_learning_looks_at_the_best_next_move_and_sarsa_at_the_one_taken() -> None:
    q_t = np.array([1.0, 5.0, 3.0])
    assert q_learning(2.0, 0.5, 0.9, q_t) == pytest.approx(0.5 + 0.9 * 5.0 - 2.0)
    assert sarsa(2.0, 0.5, 0.9, q_t, a_t=2) == pytest.approx(0.5 + 0.9 * 3.0 - 2.0)


def test_nothing_follows_a_terminal() -> None:
    assert td_error(2.0, 0.5, 0.0, 100.0) == -1.5


def test_a_step_size_falls_with_visits_only_if_asked() -> None:
    assert [step_size(0.4, visits, power=0.0) for visits in (1, 10)] == [0.4, 0.4]
    assert step_size(0.4, 16, power=0.5) == pytest.approx(0.1)


@given(st.lists(NUMBERS, max_size=8), NUMBERS, st.floats(0, 1))
def test_an_n_step_return_is_its_first_reward_and_the_discounted_rest(rewards: list[float], first: float, gamma: float) -> None:
    assert n_step_return([first, *rewards], gamma) == pytest.approx(first + gamma * n_step_return(rewards, gamma))


@given(st.lists(NUMBERS, max_size=8), NUMBERS, st.floats(0, 1))
def test_a_shift_of_all_rewards_shifts_the_return_by_its_discount_sum(rewards: list[float], by: float, gamma: float) -> None:
    shifted = n_step_return([reward + by for reward in rewards], gamma)
    assert shifted == pytest.approx(n_step_return(rewards, gamma) + by * discount_sum(len(rewards), gamma), abs=1e-6)


def step(index: int, *, terminated: bool = False, truncated: bool = False, stream: int = 0) -> Transition:
    here, there = (np.array([number], dtype=np.float32) for number in (index, index + 1))
    return Transition(here, (0,), 10.0**index, there, terminated, truncated, stream=stream)


def seen(windows: Windows, *transitions: Transition) -> list[tuple[float, float, float, float]]:
    done = [long for transition in transitions for long in windows.push(transition)]
    return [(float(long.observation[0]), long.reward, long.discount, float(long.next_observation[0])) for long in done]


def test_a_window_slides_and_is_emptied_at_a_terminal() -> None:
    longs = seen(Windows(2, gamma=0.5), step(0), step(1), step(2, terminated=True))
    assert longs == [(0.0, 1 + 5.0, 0.25, 2.0), (1.0, 10 + 50.0, 0.0, 3.0), (2.0, 100.0, 0.0, 3.0)]


def test_a_cut_off_stream_still_has_a_value_at_its_end() -> None:
    longs = seen(Windows(3, gamma=0.5), step(0), step(1, truncated=True))
    assert longs == [(0.0, 1 + 5.0, 0.25, 2.0), (1.0, 10.0, 0.5, 2.0)]


def test_streams_that_interleave_do_not_mix() -> None:
    windows = Windows(2, gamma=1.0)
    longs = seen(windows, step(0, stream=1), step(5, stream=2), step(1, stream=1), step(6, stream=2))
    assert [reward for _, reward, _, _ in longs] == [11.0, 1_100_000.0]
    assert len(windows.held()) == 2


@given(st.lists(NUMBERS, min_size=2, max_size=50))
def test_the_normaliser_knows_mean_and_deviation(rewards: list[float]) -> None:
    normaliser = RewardNormaliser("shift-and-scale")
    for reward in rewards:
        normaliser.add(reward)
    assert normaliser.shift == pytest.approx(np.mean(rewards), abs=1e-9)
    if np.std(rewards) > 1e-6:
        assert normaliser.scale == pytest.approx(np.std(rewards), rel=1e-6)
    assert math.isfinite(1 / normaliser.scale)


def test_a_normaliser_that_is_off_changes_nothing() -> None:
    normaliser = RewardNormaliser("none")
    normaliser.add(3.0)
    normaliser.add(9.0)
    assert (normaliser.shift, normaliser.scale) == (0.0, 1.0)
