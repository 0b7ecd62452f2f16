"""The race: which node gets the next segment.

Runs go on from rung to rung; from each rung only the better third goes on, by the error that the agents predict for the
end of the run (one draw of the ensemble a question: Thompson sampling). What waits at a rung is not lost: it goes on when
it comes to belong to the better third. Where nothing may go on, the race starts a new run or forks the best one. Towards
the end of the budget it only finishes what is most promising.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from trimtab.search.rungs import promotable, rungs
from trimtab.store.records import Node
from trimtab.store.tree import Tree, can_go_on

FORK_SHARE = 0.3
"""Share of new paths that fork the best run instead of starting anew, once a run has reached its end."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a new run."""

    reason: str


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue a leaf."""

    node: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Continue an inner node, or one that ended, with other settings."""

    node: int
    reason: str


Step: TypeAlias = Start | Continue | Fork

Predict: TypeAlias = Callable[[Sequence[Node]], np.ndarray]
"""Nodes → the error that each member of an ensemble predicts for the end of their runs, shape (members, nodes)."""


@dataclass(frozen=True, slots=True)
class Standings:
    """What the race looks at. ``busy``: nodes that a running segment continues. ``ended``: nodes that the user ended.

    ``segments_left``: how many more segments the budget has, those that are running not counted.
    ``favoured``: leaves that a fork of the user's led to, which has not yet reached a rung.
    """

    tree: Tree
    horizon: int
    segments_left: int
    busy: Collection[int]
    ended: Collection[int]
    favoured: Collection[int] = ()


def next_step(standings: Standings, predict: Predict, rng: np.random.Generator) -> Step | None:
    """Return where the next segment goes, None if the budget has no use any more."""
    if standings.segments_left <= 0:
        return None
    leaves = [leaf for leaf in standings.tree.leaves() if leaf.id not in standings.busy and leaf.id not in standings.ended]
    heights = rungs(standings.horizon)
    midway = [leaf for leaf in leaves if depth(leaf) not in heights]
    waiting = [leaf for leaf in leaves if depth(leaf) in heights]
    for leaf in midway:
        if leaf.id in standings.favoured:
            return Continue(leaf.id, f"the user's fork, on its way to the rung at {_next_rung(leaf, heights)} segments")
    finish = _finish(standings, midway + waiting, predict)
    if finish is not None:
        return finish
    if midway:
        leaf = min(midway, key=lambda node: node.id)
        return Continue(leaf.id, f"on its way to the rung at {_next_rung(leaf, heights)} segments")
    return _promoted(standings, waiting, heights, predict, rng) or _new_path(standings, heights, rng)


def depth(node: Node) -> int:
    """Return how many segments of its run a node has behind it."""
    return node.job.index + 1


def rung_of(node: Node, heights: Sequence[int]) -> int:
    """Return the index of the highest rung that ``node`` has reached, -1 below the first."""
    return sum(depth(node) >= height for height in heights) - 1


def _finish(standings: Standings, leaves: Sequence[Node], predict: Predict) -> Step | None:
    """Return the continuation of the most promising leaf once the rest of the budget only just suffices to finish it."""
    candidates = [leaf for leaf in leaves if standings.horizon - depth(leaf) <= standings.segments_left]
    if not candidates:
        return None
    predicted = predict(candidates).mean(axis=0)
    leaf = candidates[int(np.argmin(predicted))]
    best = standings.tree.best
    hopeless = best is not None and depth(best) > depth(leaf) and predicted.min() > best.error
    if hopeless or standings.horizon - depth(leaf) < standings.segments_left - 1:
        return None
    return Continue(leaf.id, "the rest of the budget finishes the most promising run")


def _promoted(
    standings: Standings, waiting: Sequence[Node], heights: Sequence[int], predict: Predict, rng: np.random.Generator
) -> Step | None:
    """Return the continuation of a run that waits at a rung and belongs to the better third there, highest rung first."""
    for height in sorted(heights[:-1], reverse=True):
        reached = [node for node in standings.tree if depth(node) == height and can_go_on(node)]
        places = promotable(len(reached))
        # each draw ranks them anew: without this count the luck of many draws would let everybody go on
        gone_on = sum(bool(standings.tree.children(node.id)) or node.id in standings.busy for node in reached)
        if gone_on >= places or not any(node in waiting for node in reached):
            continue
        drawn = _draw(reached, predict, rng)
        for place, index in enumerate(np.argsort(drawn, kind="stable")[:places]):
            node = reached[int(index)]
            if any(node.id == other.id for other in waiting):
                reason = f"place {place + 1} of {len(reached)} at the rung of {height} segments"
                return Continue(node.id, reason)
    return None


def _new_path(standings: Standings, heights: Sequence[int], rng: np.random.Generator) -> Step:
    """Return a new run, or a fork of the best run: always a fork where the budget cannot finish a new run any more."""
    best = standings.tree.best
    too_late = standings.segments_left < standings.horizon
    whole = any(depth(node) == standings.horizon for node in standings.tree)
    if best is None or not (whole and (too_late or rng.random() < FORK_SHARE)):
        return Start("no run that waits belongs to the better third")
    path = [node for node in standings.tree.path(best.id) if can_go_on(node) and node.id not in standings.ended]
    marks = [node for node in path if standings.horizon - depth(node) <= standings.segments_left]
    marks = [node for node in marks if depth(node) in heights] or marks
    if not marks:
        return Start("the best run cannot be forked")
    node = marks[int(rng.integers(len(marks)))]
    return Fork(node.id, f"the best run, from its segment {depth(node)}, with other moves")


def _next_rung(node: Node, heights: Sequence[int]) -> int:
    return next(height for height in heights if height > depth(node))


def _draw(nodes: Sequence[Node], predict: Predict, rng: np.random.Generator) -> np.ndarray:
    """Return the prediction of one member of the ensemble, drawn at random, for each of ``nodes``."""
    predicted = predict(nodes)
    return predicted[int(rng.integers(len(predicted)))]
