"""Which node gets the next segment: drawn ends, forks of the best run, what the end of a budget is kept for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trimtab as tt
from trimtab.errors import StudyError
from trimtab.search import archive
from trimtab.search.charges import Charges
from trimtab.search.choice import Continue, Fork, Standings, Start, Step, next_step
from trimtab.search.gambles import Gambles
from trimtab.search.outlook import Outlook
from trimtab.search.roots import check_sampler, propose
from trimtab.search.rungs import rungs
from trimtab.search.starts import Proposal
from trimtab.store.records import Choice, Job, Node
from trimtab.store.tree import Tree
from trimtab.task import Measurement

HORIZON = 9
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


def step(
    tree: Tree,
    *,
    left: int = 100,
    busy=(),
    ended=(),
    seed: int = 0,
    new: float = 0.0,
    used: int = 40,
    whole: int = 9,
    hopes: int = 0,
) -> Step | None:
    """Return the next step where a new run is drawn to end at ``new``."""
    outlook = Outlook(archive.shipped()[1], logarithmic=True, seed=hopes)
    for node in tree:
        outlook.add(node, 0.7 if node.before else None)
    standings = Standings(tree, outlook, Gambles(), Charges({}, ()), HORIZON, left, left + used, whole, busy, ended)
    return next_step(standings, lambda _: Proposal(SPACE.default(), new, new, 0.1), np.random.default_rng(seed))


def test_an_empty_tree_begins_a_run() -> None:
    assert isinstance(step(Tree()), Start)


def test_a_budget_that_is_spent_asks_for_nothing() -> None:
    assert step(Tree(), left=0) is None


def test_a_run_that_promises_more_than_a_new_one_goes_on_and_says_what_it_promises() -> None:
    tree = Tree()
    leaf = chain(tree, [0.0, -0.5, -1.0, -1.5, -2.0])
    chosen = step(tree, new=5.0)
    assert isinstance(chosen, Continue)
    assert chosen.node == leaf
    assert chosen.expected is not None
    assert chosen.expected[0] <= -2.0


def test_a_new_run_begins_where_it_is_drawn_to_end_lower() -> None:
    tree = Tree()
    chain(tree, [0.0, -0.1, -0.1, -0.1, -0.1])
    assert isinstance(step(tree, new=-9.0), Start)


def test_the_better_of_two_runs_goes_on_more_often() -> None:
    tree = Tree()
    better = chain(tree, [0.0, -0.3, -0.5])
    worse = chain(tree, [0.0, -0.2, -0.3])
    chosen = [one.node for seed in range(60) if isinstance(one := step(tree, hopes=seed, new=9.0), Continue)]
    assert chosen.count(better) > 1.5 * chosen.count(worse) > 0


def test_a_run_that_a_worker_continues_is_left_to_it() -> None:
    tree = Tree()
    leaf = chain(tree, [0.0, -0.5, -1.0])
    assert isinstance(step(tree, busy={leaf}), Start)


def test_what_the_user_ended_does_not_go_on() -> None:
    tree = Tree()
    leaf = chain(tree, [0.0, -0.1])
    assert isinstance(step(tree, ended={leaf}), Start)


def test_the_end_of_a_budget_finishes_the_most_promising_run() -> None:
    tree = Tree()
    leaves = [chain(tree, [error]) for error in (0.3, 0.1)]
    chosen = step(tree, left=8)
    assert isinstance(chosen, Continue)
    assert chosen.node == leaves[1]
    assert chosen.reason == "the rest of the budget finishes the most promising run"


def test_only_a_best_run_that_is_over_is_forked_and_where_the_budget_suffices() -> None:
    tree = Tree()
    best = chain(tree, [0.0, -0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7])
    assert not any(isinstance(step(tree, seed=seed, new=9.0), Fork) for seed in range(20))
    best = chain(tree, [-0.8], parent=best)
    for seed in range(20):
        chosen = step(tree, seed=seed, left=6, new=9.0)
        assert isinstance(chosen, Fork)
        assert chosen.node in {node.id for node in tree.path(best)}
        assert HORIZON - (tree[chosen.node].job.index + 1) <= 6


def test_some_runs_are_always_brought_to_their_end() -> None:
    tree = Tree()
    leaves = [chain(tree, [0.0, error]) for error in (-0.1, -0.4)]
    assert isinstance(step(tree, new=-9.0, whole=2), Start)
    chosen = step(tree, new=-0.3, whole=1)
    assert isinstance(chosen, Continue)
    assert (chosen.node, chosen.reason) == (leaves[1], "the most promising run, to see what it comes to")


def test_a_run_that_is_far_behind_is_not_brought_to_its_end() -> None:
    tree = Tree()
    chain(tree, [3.0, 3.0])
    assert isinstance(step(tree, new=0.0, whole=0), Start)


def test_what_is_left_of_a_budget_that_can_finish_nothing_goes_to_the_most_promising() -> None:
    tree = Tree()
    leaf = chain(tree, [0.0, -0.1])
    chosen = step(tree, left=2)
    assert isinstance(chosen, Continue)
    assert (chosen.node, chosen.reason) == (leaf, "the rest of the budget")


@given(st.integers(1, 300))
def test_rungs_ascend_and_end_with_the_whole_run(horizon: int) -> None:
    found = rungs(horizon)
    assert found[-1] == horizon
    assert list(found) == sorted(set(found))
    assert found[0] >= 1


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "cmaes"])
def test_proposals_are_legal_seeded_and_different(sampler: str) -> None:
    outcomes = [(SPACE.sample(np.random.default_rng(seed)), float(seed % 7)) for seed in range(12)] + [
        (SPACE.default(), math.inf)
    ]
    first, again, next_one = (propose(sampler, SPACE, outcomes, seed=3, index=index) for index in (0, 0, 1))
    assert SPACE.check(first) == first == again != next_one


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_samplers_learn_from_earlier_runs(sampler: str) -> None:
    rng = np.random.default_rng(0)
    outcomes = [(settings, abs(math.log10(settings["lr"]) + 2)) for settings in (SPACE.sample(rng) for _ in range(40))]
    proposed = [propose(sampler, SPACE, outcomes, seed=0, index=index)["lr"] for index in range(8)]
    assert np.median([abs(math.log10(lr) + 2) for lr in proposed]) < 0.6


def test_an_unknown_sampler_is_named() -> None:
    with pytest.raises(StudyError, match="roots: expected one of 'prior', 'random', 'tpe', 'gp', 'cmaes', got 'grid'"):
        check_sampler("grid")
