"""What forks promise: learned from all of them, and no surer of a win for having failed badly."""

import math

from tests.search.test_outlook import node
from trimtab.search.gambles import USUAL, Gambles
from trimtab.store.tree import Tree


def study_of(*ends: float, unit: float = 1.0) -> Gambles:
    """Return what is learned from a run that reached 0 and forks of its root that are expected to end at ``ends``."""
    tree, gambles = Tree(), Gambles()
    for number in (1, 2, 3):
        tree.add(node(number, number - 1 or None, 3.0 - number, index=number - 1))
    for number, end in enumerate(ends, 4):
        fork = node(number, 1, 1.0, index=1, kind="fork")
        gambles.add(fork, tree, end, unit)
        tree.add(fork)
    return gambles


def test_before_any_fork_the_usual_is_believed() -> None:
    assert (study_of().mean, study_of().deviation) == USUAL


def test_forks_that_win_promise_more_and_those_that_come_to_nothing_less() -> None:
    assert study_of(-0.3, -0.2).mean < 0 < USUAL[0] < study_of(0.1, 0.1).mean
    assert study_of(*[0.0] * 20).deviation < USUAL[1]


def test_how_badly_forks_failed_does_not_count() -> None:
    assert study_of(0.5, 4.0).deviation == study_of(0.5, math.inf).deviation == study_of(1.0, 2.0).deviation


def test_a_fork_that_goes_on_counts_once() -> None:
    tree, gambles = Tree(), Gambles()
    for number in (1, 2, 3):
        tree.add(node(number, number - 1 or None, 3.0 - number, index=number - 1))
    for number, parent, index, kind in ((4, 1, 1, "fork"), (5, 4, 2, "continue")):
        gambles.add(node(number, parent, 1.0, index=index, kind=kind), tree, 0.1 if number == 4 else -0.2, 1.0)
    assert gambles.mean == study_of(-0.2).mean


def test_errors_count_in_their_unit() -> None:
    assert study_of(-30.0, unit=100.0).mean == study_of(-0.3).mean
