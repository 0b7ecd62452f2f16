"""Which node of the tree gets the next segment: Thompson sampling over what each path is expected to come to.

The choices are a new run, the continuation of a leaf, and a fork of the best run. For each the error at the end of its run is
drawn; the lowest wins. What cannot come to its end within the budget is no choice, and once the budget only just suffices to
finish the most promising run, it is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from trimtab.search.charges import Charges
from trimtab.search.gambles import Gambles
from trimtab.search.outlook import Outlook
from trimtab.search.starts import Proposal
from trimtab.space import Settings
from trimtab.store.records import Node
from trimtab.store.tree import Tree, can_go_on

WARM, RICH = 3.0, 8.0
"""Draws have their full spread after so many whole runs, and with a budget of so many; before, and with less, they keep nearer
to what is expected."""
FORK_POINTS = 3
ENDED = 0.4
"""At least this share of what was used goes into runs that come to their end: only from its end is learned what a run comes to,
and only there does a falling rate pay."""


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
    """What is looked at. ``busy``: nodes that a running segment continues. ``ended``: nodes that nothing may continue;
    ``closed``: those of them at which the study ended the run: it could not keep to a limit, or only got worse.

    ``segments_left``, ``segments``: how many the budget has left, those that are running not counted, and in all.
    ``whole``: how many runs came to their end.
    """

    tree: Tree
    outlook: Outlook
    gambles: Gambles
    charges: Charges
    horizon: int
    segments_left: int
    segments: int
    whole: int
    busy: Collection[int]
    ended: Collection[int]
    closed: Collection[int] = ()

    @property
    def temperature(self) -> float:
        """How freely is drawn: little in the first run, fully once some have been made, if there is budget for it."""
        return min(1.0, self.used / WARM, self.segments / self.horizon / RICH)

    @property
    def used(self) -> float:
        """How many whole runs' worth of segments were given out."""
        return (self.segments - self.segments_left) / self.horizon

    def rest(self, node: Node) -> int:
        """Return how many segments ``node`` is from the end of its run."""
        return node.job.horizon - node.job.index - 1


Propose: TypeAlias = Callable[[float], Proposal]
"""Temperature → what a new run would begin with, and come to."""


@dataclass(frozen=True, slots=True)
class _Leaves:
    """The leaves that may go on: their numbers, the ends expected of them, deviations, and whether the budget reaches there.

    ``ends`` are errors, ``means`` have what is charged for a path added.
    """

    nodes: np.ndarray
    ends: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    rests: np.ndarray
    within: np.ndarray

    def continued(self, index: int, reason: str) -> Continue:
        return Continue(int(self.nodes[index]), reason, (float(self.ends[index]), float(self.deviations[index])))


def next_step(standings: Standings, propose: Propose, rng: np.random.Generator) -> Step | None:
    """Return where the next segment goes, None if the budget has no use any more.

    ``rng`` is the same while nothing new has come up: drawing again with every segment would be hoping until a draw is low.
    """
    if standings.segments_left <= 0:
        return None
    leaves = _leaves(standings)
    finish = _finish(standings, leaves) or _to_its_end(standings, leaves, propose)
    if finish is not None:
        return finish
    temperature = standings.temperature
    options: list[tuple[float, Step]] = []
    if leaves.within.any():
        drawn = leaves.means + temperature * leaves.deviations * standings.outlook.hopes(leaves.nodes)
        best = int(np.where(leaves.within, drawn, np.inf).argmin())
        words = f"drawn to end at {drawn[best]:.4g}, the lowest of {int(leaves.within.sum())} open runs"
        options.append((float(drawn[best]), leaves.continued(best, words)))
    options += _forks(standings, temperature, rng)
    if standings.horizon <= standings.segments_left or not (options or len(leaves.nodes)):
        new = propose(temperature)
        words = f"a new run, drawn to end at {new.drawn:.4g}"
        options.append((new.drawn, Start(new.settings, words, (new.expected, new.deviation))))
    if options:
        return min(options, key=lambda option: option[0])[1]
    # nothing can come to its end any more: what is left may still lower the error of what is most promising
    return leaves.continued(int(leaves.means.argmin()), "the rest of the budget")


def _leaves(standings: Standings) -> _Leaves:
    nodes = standings.tree.open_but((*standings.busy, *standings.ended))
    ends, deviations = standings.outlook.ends(nodes)
    rests = standings.outlook.rests(nodes)
    means = ends + standings.charges.of(nodes)
    return _Leaves(nodes, ends, means, deviations, rests, rests <= standings.segments_left)


def _finish(standings: Standings, leaves: _Leaves) -> Step | None:
    """Return the continuation of the most promising leaf once the rest of the budget only just suffices to finish it."""
    if not leaves.within.any():
        return None
    index = int(np.where(leaves.within, leaves.means, np.inf).argmin())
    best = standings.tree.best
    hopeless = best is not None and not can_go_on(best) and leaves.means[index] > _charged(best, standings)
    if not hopeless and leaves.rests[index] >= standings.segments_left - 1:
        return leaves.continued(index, "the rest of the budget finishes the most promising run")
    return None


def _to_its_end(standings: Standings, leaves: _Leaves, propose: Propose) -> Step | None:
    """Return the continuation of the most promising leaf where too few runs came to their end, unless a new one beats it."""
    if not leaves.within.any() or standings.whole >= ENDED * standings.used:
        return None
    index = int(np.where(leaves.within, leaves.means, np.inf).argmin())
    if standings.horizon <= standings.segments_left:
        new = propose(standings.temperature)
        if new.expected + new.deviation < leaves.means[index]:
            return None
    return leaves.continued(index, "the most promising run, to see what it comes to")


def _forks(standings: Standings, temperature: float, rng: np.random.Generator) -> list[tuple[float, Step]]:
    """Return forks of the best run, once it has come to its end, at some of its nodes."""
    best = standings.tree.best
    if best is None or (best.id in standings.tree.open and best.id not in standings.closed):
        return []
    marks = [
        node
        for node in standings.tree.path(best.id)
        if can_go_on(node) and node.id not in standings.ended and standings.rest(node) <= standings.segments_left
    ]
    found: list[tuple[float, Step]] = []
    for index in rng.permutation(len(marks))[:FORK_POINTS]:
        node = marks[int(index)]
        scale = standings.outlook.unit * float(np.sqrt(standings.rest(node) / node.job.horizon))
        expected, deviation = best.error + standings.gambles.mean * scale, standings.gambles.deviation * scale
        drawn = expected + temperature * deviation * float(rng.standard_normal()) + _charged(best, standings) - best.error
        words = f"the best run, from its segment {node.job.index + 1}, with other moves: drawn to end at {drawn:.4g}"
        found.append((drawn, Fork(node.id, words, (expected, deviation))))
    return found


def _charged(node: Node, standings: Standings) -> float:
    return node.error + float(standings.charges.of([node.id])[0])
