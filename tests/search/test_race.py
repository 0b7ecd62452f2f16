"""The race: what goes on from a rung, what is forked, what the end of a budget is kept for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trimtab as tt
from trimtab.errors import StudyError
from trimtab.search.race import Continue, Fork, Standings, Start, next_step
from trimtab.search.roots import check_sampler, propose, rank_value
from trimtab.search.rungs import promotable, rungs
from trimtab.store.records import Choice, Job, Node
from trimtab.store.tree import Tree
from trimtab.task import Measurement

HORIZON = 9  # rungs at 1, 3 and 9 segments
SPACE = tt.Space(lr=tt.Float(1e-5, 1.0, log=True), width=tt.Int(8, 64, log=True, live=False), bias=tt.Bool(live=False))


def grow(tree: Tree, parent: int | None, error: float) -> int:
    """Add a node of ``error`` below ``parent`` and return its number."""
    node = len(tree) + 1
    above = tree[parent].job if parent is not None else None
    job = Job(
        node=node,
        parent=parent,
        root=above.root if above else node,
        checkpoint="a" * 64 if above else None,
        settings=SPACE.default(),
        index=above.index + 1 if above else 0,
        horizon=HORIZON,
        run_seed=0,
        seed=0,
        choice=Choice("continue" if above else "start", ""),
    )
    before = None if above else Measurement({"loss": 2.0}, math.nan)
    tree.add(Node(job, "b" * 64, before, Measurement({"loss": math.exp(error)}, 1.0), error))
    return node


def chain(tree: Tree, errors: list[float], parent: int | None = None) -> int:
    for error in errors:
        parent = grow(tree, parent, error)
    assert parent is not None
    return parent


def by_error(nodes):
    return np.array([[node.error for node in nodes]])


def step(tree: Tree, *, left: int = 100, busy=(), ended=(), seed: int = 0):
    return next_step(Standings(tree, HORIZON, left, busy, ended), by_error, np.random.default_rng(seed))


def test_an_empty_tree_begins_a_run() -> None:
    assert isinstance(step(Tree()), Start)


def test_a_budget_that_is_spent_asks_for_nothing() -> None:
    assert step(Tree(), left=0) is None


def test_a_run_between_rungs_goes_on_to_the_next() -> None:
    tree = Tree()
    leaf = chain(tree, [0.0, -0.1])
    assert step(tree) == Continue(leaf, "on its way to the rung at 3 segments")


def test_from_a_rung_only_the_best_third_goes_on() -> None:
    tree = Tree()
    leaves = [chain(tree, [error]) for error in (0.3, 0.1, 0.2)]
    assert step(tree) == Continue(leaves[1], "place 1 of 3 at the rung of 1 segments")
    assert isinstance(step(tree, busy={leaves[1]}), Start)


def test_no_more_than_a_third_goes_on_however_often_one_asks() -> None:
    tree = Tree()
    first = [grow(tree, None, error) for error in (0.3, 0.1, 0.2)]
    grow(tree, first[0], 0.5)
    steps = [step(tree, seed=seed) for seed in range(20)]
    assert not any(isinstance(one, Continue) and one.node in first for one in steps)


def test_what_waits_goes_on_later_if_it_comes_to_belong_to_the_better_third() -> None:
    tree = Tree()
    leaves = [chain(tree, [error]) for error in (0.1, 0.2, 0.3)]
    chain(tree, [-0.1, -0.2], parent=leaves[0])
    for error in (0.4, 0.5, 0.6):
        chain(tree, [error])
    assert step(tree) == Continue(leaves[1], "place 2 of 6 at the rung of 1 segments")


def test_what_the_user_ended_does_not_go_on() -> None:
    tree = Tree()
    leaf = chain(tree, [0.0, -0.1])
    assert isinstance(step(tree, ended={leaf}), Start)


def test_the_end_of_a_budget_finishes_the_most_promising_run() -> None:
    tree = Tree()
    leaves = [chain(tree, [error]) for error in (0.3, 0.1)]
    assert step(tree, left=8) == Continue(leaves[1], "the rest of the budget finishes the most promising run")


def test_a_rest_that_cannot_finish_a_new_run_forks_the_best() -> None:
    tree = Tree()
    best = chain(tree, [0.0, -0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, -0.8])
    chosen = step(tree, left=6)
    assert isinstance(chosen, Fork)
    assert chosen.node in {node.id for node in tree.path(best)}
    assert HORIZON - (tree[chosen.node].job.index + 1) <= 6


@given(st.integers(1, 300))
def test_rungs_ascend_and_end_with_the_whole_run(horizon: int) -> None:
    found = rungs(horizon)
    assert found[-1] == horizon
    assert list(found) == sorted(set(found))
    assert found[0] >= 1
    assert promotable(len(found)) <= len(found)


def test_a_higher_rung_ranks_before_any_error_and_then_the_lower_error() -> None:
    assert rank_value(2, 5.0, 3) < rank_value(1, -5.0, 3)
    assert rank_value(1, -1.0, 3) < rank_value(1, 1.0, 3)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_proposals_are_legal_seeded_and_different(sampler: str) -> None:
    outcomes = [(SPACE.sample(np.random.default_rng(seed)), float(seed % 7)) for seed in range(12)] + [
        (SPACE.default(), math.inf)
    ]
    first, again, next_one = (propose(sampler, SPACE, outcomes, seed=3, index=index) for index in (0, 0, 1))
    assert SPACE.check(first) == first == again != next_one


def test_tpe_learns_from_earlier_runs() -> None:
    rng = np.random.default_rng(0)
    outcomes = [(settings, abs(math.log10(settings["lr"]) + 2)) for settings in (SPACE.sample(rng) for _ in range(40))]
    proposed = [propose("tpe", SPACE, outcomes, seed=0, index=index)["lr"] for index in range(20)]
    assert np.median([abs(math.log10(lr) + 2) for lr in proposed]) < 0.6


def test_an_unknown_sampler_is_named() -> None:
    with pytest.raises(StudyError, match="roots: expected one of 'random', 'tpe', got 'grid'"):
        check_sampler("grid")
