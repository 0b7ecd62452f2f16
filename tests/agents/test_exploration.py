"""What each way to explore chooses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.agents import UCB, Boltzmann, EpsilonGreedy, Exploration, Prospect, Thompson, make
from trimtab.errors import AgentError


def prospect(values: list[float], spreads: list[float] | None = None, counts: list[int] | None = None) -> Prospect:
    spread = np.zeros(len(values)) if spreads is None else np.array(spreads)
    array = np.array(values)
    return Prospect(array, spread, np.array(counts or [1] * len(values)), np.stack([array + spread, array - spread]))


def drawn(exploration: Exploration, view: Prospect, *, times: int = 2000, members: int = 1, step: int = 0) -> Counter[int]:
    rng = np.random.default_rng(0)
    return Counter(exploration.begin(step, members, stream, rng)(view) for stream in range(times))


@given(st.integers(0, 100))
def test_epsilon_falls_linearly_and_then_stays(step: int) -> None:
    exploration = EpsilonGreedy(0.9, 0.1, steps=40)
    assert exploration.epsilon(step) == pytest.approx(max(0.1, 0.9 - 0.02 * step))


def test_epsilon_greedy_strays_as_often_as_it_says() -> None:
    counts = drawn(EpsilonGreedy(0.3, 0.3, 0), prospect([0.0, 1.0, 0.0]))
    assert counts[1] / 2000 == pytest.approx(0.7 + 0.1, abs=0.04)
    assert counts[0] > 100
    assert counts[2] > 100


def test_one_coin_for_all_heads_makes_them_stray_together() -> None:
    rng = np.random.default_rng(0)
    view = prospect([1.0, *[0.0] * 99])
    together, apart = (
        [[pick(view) == 0 for _ in range(6)] for pick in (exploration.begin(0, 1, 0, rng) for _ in range(200))]
        for exploration in (EpsilonGreedy(0.5, 0.5, 0, per_head=False), EpsilonGreedy(0.5, 0.5, 0, per_head=True))
    )
    assert {sum(row) for row in together} <= {0, 1, 6}
    assert len({sum(row) for row in apart}) > 4


def test_ties_are_broken_by_chance() -> None:
    assert len(drawn(EpsilonGreedy(0.0, 0.0, 0), prospect([2.0, 2.0, 1.0]))) == 2


def test_boltzmann_draws_by_the_exponential_of_the_value() -> None:
    counts = drawn(Boltzmann(0.5), prospect([0.0, 0.5, -np.inf]), times=6000)
    assert counts[1] / counts[0] == pytest.approx(np.e, rel=0.1)
    assert counts[2] == 0


def test_ucb_tries_everything_once_and_then_what_is_rare() -> None:
    assert drawn(UCB(1.0), prospect([5.0, 0.0, 0.0], counts=[9, 0, 4])) == {1: 2000}
    assert drawn(UCB(10.0), prospect([1.0, 0.9], counts=[100, 2])) == {1: 2000}
    assert drawn(UCB(0.0), prospect([1.0, 0.9], counts=[100, 0])) == {0: 2000}


def test_ucb_of_an_ensemble_adds_its_doubt() -> None:
    assert drawn(UCB(1.0), prospect([1.0, 0.8], [0.0, 0.5]), members=2) == {1: 2000}


def test_thompson_follows_one_member_for_a_stream() -> None:
    view = prospect([1.0, 0.8], [0.0, 0.5])
    counts = drawn(Thompson(), view, members=2)
    assert 800 < counts[0] < 1200
    rng = np.random.default_rng(0)
    assert len({Thompson().begin(step, 2, 7, rng)(view) for step in range(50)}) == 1
    assert len({Thompson(per="decision").begin(step, 2, 7, rng)(view) for step in range(50)}) == 2


@pytest.mark.parametrize("exploration", [EpsilonGreedy(1.0, 1.0, 0), Boltzmann(100.0), UCB(100.0), Thompson()])
def test_a_masked_move_is_never_chosen(exploration: Exploration) -> None:
    view = prospect([-np.inf, 1.0, 2.0, -np.inf], counts=[0, 3, 5, 0])
    assert set(drawn(exploration, view, times=300, members=2)) <= {1, 2}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("greedy", "'epsilon-greedy', 'boltzmann', 'ucb', 'thompson'"),
        ({"name": "ucb", "d": 1.0}, "numbers of UCB"),
        ({"name": "?"}, "exploration['name']"),
        (3, "exploration"),
        ("thompson", "members of at least 2, got 1"),
    ],
)
def test_an_exploration_that_is_none_is_refused(given: Any, named: str) -> None:
    with pytest.raises(AgentError) as caught:
        make("dqn", features=1, heads=(2,), seed=0, exploration=given)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("make_it", "named"),
    [
        (lambda: EpsilonGreedy(1.5, 0.0, 10), "start"),
        (lambda: EpsilonGreedy(1.0, 0.0, -1), "steps"),
        (lambda: Boltzmann(0.0), "temperature"),
        (lambda: UCB(-1.0), "c:"),
        (lambda: Thompson(per="run"), "per"),
    ],
)
def test_a_number_out_of_range_is_refused(make_it: Any, named: str) -> None:
    with pytest.raises(AgentError, match=named):
        make_it()
