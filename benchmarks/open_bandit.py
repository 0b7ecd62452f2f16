"""Bandits that learned from one half of a log, and what they would have earned on the other: Open Bandit, off-policy.

Each campaign's rounds with items at random are cut in two by time. Policies learn from the first half, and are judged on the
second by SNIPW and by DR, whose model is each item's rate of clicks. ZOZO's own Thompson sampling is judged by its own log.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.results import Headline, Measured, run
from benchmarks.systems_suite.off_policy import Estimate, doubly_robust, snipw
from benchmarks.systems_suite.open_bandit_log import CAMPAIGNS, Rounds, rounds
from trimtab.agents import Transition, make

STRENGTH = 300.0
"""Rounds of the mean item that are added to those of each."""
DRAWS = 2000
Policy = Callable[[Rounds, Rounds], np.ndarray]
"""From what to learn from and the rounds to choose in, to the chance of each item, shape (rounds, items)."""


def rates(known: Rounds) -> np.ndarray:
    """Return the clicks a round of each item, shrunk towards the mean, shape (items,)."""
    clicks = np.bincount(known.items, weights=known.clicks, minlength=known.count)
    return (clicks + STRENGTH * known.clicks.mean()) / (np.bincount(known.items, minlength=known.count) + STRENGTH)


def uniform(known: Rounds, ahead: Rounds) -> np.ndarray:
    """Any item."""
    return np.full((len(ahead.items), known.count), 1 / known.count)


def popular(known: Rounds, ahead: Rounds) -> np.ndarray:
    """The item that was clicked most often."""
    return np.tile(np.eye(known.count)[rates(known).argmax()], (len(ahead.items), 1))


def thompson(known: Rounds, ahead: Rounds) -> np.ndarray:
    """Items by their chance of being the best, after Bernoulli Thompson sampling has seen the log."""
    agent = _taught("bernoulli", known)
    chosen = [agent.decide(ahead.seen[0]).action[0] for _ in range(DRAWS)]
    return np.tile(np.bincount(chosen, minlength=known.count) / DRAWS, (len(ahead.items), 1))


def linear(known: Rounds, ahead: Rounds) -> np.ndarray:
    """The item with the highest mean of a ridge regression on who came: LinUCB, exploring no more."""
    return _greedy(_taught("linear", known, ridge=100.0), ahead)


def neural(known: Rounds, ahead: Rounds) -> np.ndarray:
    """The item with the highest value of a small net."""
    return _greedy(_taught("neural", known, hidden=(32,), learning_starts=200), ahead)


POLICIES: dict[str, Policy] = {each.__name__: each for each in (uniform, popular, thompson, linear, neural)}


def _taught(name: str, known: Rounds, **options: Any) -> Any:
    agent = make(name, features=known.seen.shape[1], heads=(known.count,), seed=0, **options)
    for stream, (seen, item, click) in enumerate(zip(known.seen, known.items, known.clicks, strict=True)):
        agent.learn(Transition(seen, (int(item),), float(click), seen, terminated=True, stream=stream))
    return agent


def _greedy(agent: Any, ahead: Rounds) -> np.ndarray:
    # many come alike: each kind is decided once
    kinds, which = np.unique(ahead.seen, axis=0, return_inverse=True)
    chosen = np.array([agent.decide(kind, explore=False).action[0] for kind in kinds])
    return np.eye(len(agent.decide(kinds[0], explore=False).values[0]))[chosen[which.ravel()]]


def judge(policy: Policy, quick: bool = False) -> dict[str, Estimate]:
    """Return both estimates of ``policy``, over the rounds of all campaigns."""
    rows: list[np.ndarray] = []
    for campaign in CAMPAIGNS[:1] if quick else CAMPAIGNS:
        log = rounds(campaign, "random")
        half = len(log.items) // 2
        known, ahead = log.part(slice(0, half)), log.part(slice(half, None))
        chances, model = policy(known, ahead), rates(known)
        weights = chances[np.arange(len(ahead.items)), ahead.items] / ahead.chances
        rows.append(np.stack([ahead.clicks, weights, chances @ model, model[ahead.items]]))
    clicks, weights, expected, of_logged = np.concatenate(rows, axis=1)
    return {"SNIPW": snipw(clicks, weights), "DR": doubly_robust(clicks, weights, expected, of_logged)}


def measure(arguments: argparse.Namespace) -> Measured:
    """Judge every policy, and ZOZO's own."""
    lines, details = list[Headline](), dict[str, Any]()
    for name, policy in POLICIES.items():
        for estimator, found in judge(policy, arguments.quick).items():
            title = f"open bandit/{name}: clicks in 1,000 rounds, {estimator}"
            lines.append(_line(title, found))
            details[f"{name} {estimator}"] = asdict(found)
    clicks = np.concatenate([rounds(campaign, "bts").clicks for campaign in CAMPAIGNS])
    own = snipw(clicks, np.ones(len(clicks)))
    lines.append(_line("open bandit/ZOZO's Thompson sampling: clicks in 1,000 rounds, its own log", own))
    return lines, details


def _line(title: str, found: Estimate) -> Headline:
    return Headline(title, 1000 * found.value, low=1000 * found.low, high=1000 * found.high, better="higher")


if __name__ == "__main__":
    run("open_bandit", measure)
