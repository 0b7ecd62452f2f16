"""Caution: a move of reference is left only where every member of an ensemble agrees, or to explore."""

import numpy as np

from trimtab.agents import Cautious
from trimtab.agents.exploration import Prospect, described, exploration_from


def prospect(*members: list[float]) -> Prospect:
    found = np.array(members)
    return Prospect(found.mean(axis=0), np.zeros(found.shape[1]), np.zeros(found.shape[1], dtype=int), found)


def picked(exploration: Cautious, *prospects: Prospect, seed: int = 0) -> list[int]:
    pick = exploration.begin(0, 2, 0, np.random.default_rng(seed))
    return [pick(one) for one in prospects]


def test_a_move_that_one_member_doubts_is_not_made() -> None:
    assert picked(Cautious((1,), start=0.0, end=0.0), prospect([5.0, 0.0], [-0.1, 0.0])) == [1]


def test_of_moves_that_all_prefer_the_surest_is_made() -> None:
    assert picked(Cautious((0,), start=0.0, end=0.0), prospect([0.0, 9.0, 2.0], [0.0, 0.1, 1.0])) == [2]


def test_each_head_has_its_own_reference() -> None:
    undecided = prospect([0.0, 1.0, 0.0], [0.0, -1.0, 0.0])
    assert picked(Cautious((2, 0), start=0.0, end=0.0), undecided, undecided) == [2, 0]


def test_a_masked_move_is_never_made() -> None:
    masked = prospect([0.0, -np.inf, 0.0], [0.0, -np.inf, 0.0])
    picks = [picked(Cautious((0,), start=1.0, end=1.0), masked, seed=seed)[0] for seed in range(20)]
    assert set(picks) == {0, 2}


def test_it_survives_being_described() -> None:
    cautious = Cautious((2, 0), start=0.3, end=0.1, steps=7)
    assert exploration_from(described(cautious), members=2) == cautious
