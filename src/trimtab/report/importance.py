"""What went with good results: associations in one study's records, never more than that."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.report.story import Account, Story
from trimtab.space import Categorical

LEAST_SEGMENTS, LEAST_RUNS = 5, 8


@dataclass(frozen=True, slots=True)
class ChangeWorth:
    """Mean reward of the segments that changed a hyperparameter, above the mean of those that kept it.

    Rewards are counted against the mean of all segments at the same place in their runs, because early segments earn more
    whatever is done. ``low``, ``high``: 95 % interval of the difference (Welch). Changes are not made at random.
    """

    name: str
    changed: int
    kept: int
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class StartCorrelation:
    """Spearman's rank correlation between the starting value and the lowest error of a run. Negative: higher was better."""

    name: str
    runs: int
    correlation: float


def change_worths(story: Story) -> list[ChangeWorth]:
    """Return what changes were worth, the most first, where at least LEAST_SEGMENTS segments changed and kept."""
    changed: dict[str, list[float]] = defaultdict(list)
    kept: dict[str, list[float]] = defaultdict(list)
    for account, reward in _excess_rewards(story):
        names = {change.name for change in account.changes}
        for name in names:
            changed[name].append(reward)
        for name in story.active(account.node.job.settings) - names:
            kept[name].append(reward)
    live = story.space.live if story.space is not None else story.names
    found = [
        _worth(name, np.array(changed[name]), np.array(kept[name]))
        for name in live
        if min(len(changed[name]), len(kept[name])) >= LEAST_SEGMENTS
    ]
    return sorted(found, key=lambda worth: -worth.difference)


def start_correlations(story: Story) -> list[StartCorrelation]:
    """Return how starting values went with the error that each run reached; empty with fewer than LEAST_RUNS runs."""
    if story.space is None:
        return []
    reached = _lowest_error_by_run(story)
    roots = [root for root in story.roots if math.isfinite(reached[root.id])]
    if len(roots) < LEAST_RUNS:
        return []
    errors = [reached[root.id] for root in roots]
    found: list[StartCorrelation] = []
    for name, member in story.space.items():
        if isinstance(member, Categorical):
            continue  # without order there is no rank
        values = [float(root.node.job.settings[name]) for root in roots]
        if len(set(values)) > 1:
            found.append(StartCorrelation(name, len(roots), spearman(values, errors)))
    return sorted(found, key=lambda each: -abs(each.correlation))


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the rank correlation, ties sharing their mean rank; 0 if one of both is constant.

    >>> spearman([1, 2, 3], [10, 20, 40]), spearman([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    a, b = _ranks(np.asarray(one, dtype=float)), _ranks(np.asarray(other, dtype=float))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return round(float(((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std())), 12)


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _excess_rewards(story: Story) -> list[tuple[Account, float]]:
    """Return each continued segment's reward above the mean at its index; diverged ones and lone ones have no measure."""
    by_index: dict[int, list[Account]] = defaultdict(list)
    for account in story.accounts.values():
        if account.node.job.parent is not None and not account.diverged and math.isfinite(account.node.reward):
            by_index[account.node.job.index].append(account)
    means = {index: sum(peer.node.reward for peer in peers) / len(peers) for index, peers in by_index.items()}
    return [
        (account, account.node.reward - means[index])
        for index, peers in by_index.items()
        if len(peers) > 1
        for account in peers
    ]


def _worth(name: str, changed: np.ndarray, kept: np.ndarray) -> ChangeWorth:
    difference = float(changed.mean() - kept.mean())
    error = math.sqrt(changed.var(ddof=1) / len(changed) + kept.var(ddof=1) / len(kept))
    return ChangeWorth(name, len(changed), len(kept), difference, difference - 1.96 * error, difference + 1.96 * error)


def _lowest_error_by_run(story: Story) -> dict[int, float]:
    reached: dict[int, float] = defaultdict(lambda: math.inf)
    for account in story.accounts.values():
        run = account.node.job.root
        reached[run] = min(reached[run], account.node.error)
    return reached
