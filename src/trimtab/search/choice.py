"""Which node of the tree gets the next segment: Thompson sampling over what each path is expected to come to.

The choices are a new run, the continuation of a leaf, and a fork of the best run. For each the error at the end of its run is
drawn; the lowest wins. What cannot come to its end within the budget is no choice, and once the budget only just suffices to
finish the most promising run, it is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from trimtab.search.outlook import Outlook
from trimtab.search.starts import Proposal
from trimtab.space import Settings
from trimtab.store.records import Node
from trimtab.store.tree import Tree, can_go_on

WARM = 8.0
"""With a budget of so many whole runs draws have their full spread; with less they keep nearer to what is expected."""
FORK_POINTS = 3


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a new run with ``settings``."""

    settings: Settings
    reason: str
    expected: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue a leaf. ``expected``: the error at the end of its run, and its standard deviation."""

    node: int
    reason: str
    expected: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Fork:
    """Continue an inner node, or one that ended, with other settings."""

    node: int
    reason: str
    expected: tuple[float, float] | None = None


Step: TypeAlias = Start | Continue | Fork


@dataclass(frozen=True, slots=True)
class Standings:
    """What is looked at. ``busy``: nodes that a running segment continues. ``ended``: nodes that the user ended.

    ``segments_left``, ``segments``: how many the budget has left, those that are running not counted, and in all.
    ``fork_deviation``: how far the end of a fork lies from that of the best run, had it begun at its root.
    """

    tree: Tree
    horizon: int
    segments_left: int
    segments: int
    busy: Collection[int]
    ended: Collection[int]
    fork_deviation: float

    @property
    def temperature(self) -> float:
        return min(1.0, self.segments / self.horizon / WARM)

    def rest(self, node: Node) -> int:
        """Return how many segments ``node`` is from the end of its run."""
        return node.job.horizon - node.job.index - 1


Propose: TypeAlias = Callable[[float], Proposal]
"""Temperature → what a new run would begin with, and come to."""


def next_step(standings: Standings, outlook: Outlook, propose: Propose, rng: np.random.Generator) -> Step | None:
    """Return where the next segment goes, None if the budget has no use any more."""
    if standings.segments_left <= 0:
        return None
    leaves = [leaf for leaf in standings.tree.leaves() if leaf.id not in standings.busy and leaf.id not in standings.ended]
    means, deviations = outlook.ends([leaf.id for leaf in leaves])
    within = np.array([standings.rest(leaf) <= standings.segments_left for leaf in leaves], dtype=bool)
    finish = _finish(standings, leaves, means, deviations, within)
    if finish is not None:
        return finish
    drawn = np.where(within, means + standings.temperature * deviations * rng.standard_normal(len(leaves)), np.inf)
    options: list[tuple[float, Step]] = []
    if within.any():
        best = int(drawn.argmin())
        words = f"drawn to end at {drawn[best]:.4g}, the lowest of {int(within.sum())} open runs"
        options.append((float(drawn[best]), Continue(leaves[best].id, words, (float(means[best]), float(deviations[best])))))
    options += _forks(standings, rng)
    if standings.horizon <= standings.segments_left or not (options or leaves):
        new = propose(standings.temperature)
        words = f"a new run, drawn to end at {new.drawn:.4g}"
        options.append((new.drawn, Start(new.settings, words, (new.expected, new.deviation))))
    if options:
        return min(options, key=lambda option: option[0])[1]
    # nothing can come to its end any more: what is left may still lower the error of what is most promising
    best = int(means.argmin())
    return Continue(leaves[best].id, "the rest of the budget", (float(means[best]), float(deviations[best])))


def _finish(
    standings: Standings, leaves: Sequence[Node], means: np.ndarray, deviations: np.ndarray, within: np.ndarray
) -> Step | None:
    """Return the continuation of the most promising leaf once the rest of the budget only just suffices to finish it."""
    if not within.any():
        return None
    index = int(np.where(within, means, np.inf).argmin())
    leaf, best = leaves[index], standings.tree.best
    hopeless = best is not None and not can_go_on(best) and means[index] > best.error
    if hopeless or standings.rest(leaf) < standings.segments_left - 1:
        return None
    expected = float(means[index]), float(deviations[index])
    return Continue(leaf.id, "the rest of the budget finishes the most promising run", expected)


def _forks(standings: Standings, rng: np.random.Generator) -> list[tuple[float, Step]]:
    """Return forks of the best run, once it has come to its end, at some of its nodes."""
    best = standings.tree.best
    if best is None or (can_go_on(best) and not standings.tree.children(best.id)):
        return []
    marks = [
        node
        for node in standings.tree.path(best.id)
        if can_go_on(node) and node.id not in standings.ended and standings.rest(node) <= standings.segments_left
    ]
    found: list[tuple[float, Step]] = []
    for index in rng.permutation(len(marks))[:FORK_POINTS]:
        node = marks[int(index)]
        deviation = standings.fork_deviation * float(np.sqrt(standings.rest(node) / node.job.horizon))
        value = best.error + standings.temperature * deviation * float(rng.standard_normal())
        words = f"the best run, from its segment {node.job.index + 1}, with other moves: drawn to end at {value:.4g}"
        found.append((value, Fork(node.id, words, (best.error, deviation))))
    return found
