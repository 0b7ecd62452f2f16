"""How far the agents of a study can be trusted: what they expected, what came of it, and how a budget was used."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev

from trimtab.report.scales import drawable
from trimtab.store.records import Node
from trimtab.store.tree import Tree

EIGHTY = 1.2816
"""Deviations from the mean within which four in five of a normal distribution lie."""
LEAST_RUNS = 2
"""Runs that came to their end before anything is said of what was expected of them."""


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """What one agent, or team of agents, did. ``reward``: mean over its segments, with its standard error.

    ``expected``, ``obtained``: mean reward from a decision to the end of its run, as the team expected it and as it came,
    over runs that came to their end; None where there are none.
    """

    name: str
    segments: int
    reward: float
    error: float
    expected: float | None
    obtained: float | None


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Ends of runs that were forecast when a segment was given out. ``within``: share in the 80 % interval.

    ``runs``: that came to their end; ``bias``: mean of what came less what was forecast, in units of the error.
    """

    count: int
    runs: int
    within: float
    bias: float


def agent_records(tree: Tree) -> list[AgentRecord]:
    """Return a record of each team that decided on something, the most rewarded first."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for node in tree:
        if node.job.choice.heads and drawable(node.reward):
            rewards[node.job.choice.heads[0].agent].append(node.reward)
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in _whole_paths(tree):
        left = 0.0
        for node in reversed(path):
            left += node.reward
            if node.job.choice.worth is not None and drawable(left):
                pairs[node.job.choice.heads[0].agent].append((node.job.choice.worth[0], left))
    records = [_record(name, earned, pairs[name]) for name, earned in rewards.items()]
    return sorted(records, key=lambda record: -record.reward)


def forecasts(tree: Tree) -> Forecasts | None:
    """Return how well the ends of runs were forecast, None where too few came to their end."""
    seen: dict[int, tuple[float, float, float]] = {}
    paths = list(_whole_paths(tree))
    for path in paths:
        lowest = min(node.error for node in path)
        for node in path[1:]:
            expected = node.job.choice.predicted
            if node.job.choice.kind == "continue" and expected is not None and all(map(drawable, (*expected, lowest))):
                seen[node.id] = (*expected, lowest)
    if len(paths) < LEAST_RUNS or not seen:
        return None
    within = [abs(end - mean) <= EIGHTY * deviation for mean, deviation, end in seen.values()]
    return Forecasts(len(seen), len(paths), fmean(within), fmean(end - mean for mean, _, end in seen.values()))


def reuse(tree: Tree) -> float:
    """Return the share of segments that lie on the way to the best node, or that two leaves share; 0 of an empty tree."""
    if not len(tree):
        return 0.0
    winning = {node.id for node in tree.path(tree.best.id)} if tree.best else set[int]()
    below: dict[int, int] = defaultdict(int)
    for node in tree:
        if not tree.children(node.id):
            for above in tree.path(node.id):
                below[above.id] += 1
    return sum(node.id in winning or below[node.id] > 1 for node in tree) / len(tree)


def _whole_paths(tree: Tree) -> Iterator[list[Node]]:
    for node in tree:
        if node.checkpoint is not None and node.job.index + 1 == node.job.horizon:
            yield tree.path(node.id)


def _record(name: str, rewards: list[float], pairs: list[tuple[float, float]]) -> AgentRecord:
    error = stdev(rewards) / math.sqrt(len(rewards)) if len(rewards) > 1 else math.nan
    expected, obtained = (fmean(pair[side] for pair in pairs) if pairs else None for side in (0, 1))
    return AgentRecord(name, len(rewards), fmean(rewards), error, expected, obtained)
