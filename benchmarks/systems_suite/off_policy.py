"""What a policy would have earned, from the log of another one whose chances are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` a round, with its 95 % bootstrap interval over rounds. ``matched``: rounds that tell something about it."""

    value: float
    low: float
    high: float
    matched: float


def snipw(rewards: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the self-normalised inverse propensity estimate, Σ w r / Σ w: Swaminathan & Joachims 2015.

    ``rewards``: of the logged actions, shape (rounds,). ``weights``: the policy's chance of each over the logged one's.
    """
    matched = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-12))
    return _resampled(weights * rewards, weights, matched)


def doubly_robust(rewards: np.ndarray, weights: np.ndarray, expected: np.ndarray, of_logged: np.ndarray) -> Estimate:
    """Return the doubly robust estimate, the mean of q(π) + w (r - q(a)): Dudík, Langford & Li 2011.

    ``expected``: what a model expects of the policy's action, ``of_logged``: of the logged one, shape (rounds,) each.
    """
    matched = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-12))
    return _resampled(expected + weights * (rewards - of_logged), np.ones(len(rewards)), matched)


def _resampled(above: np.ndarray, below: np.ndarray, matched: float) -> Estimate:
    """Return the ratio of the sums, with its interval over resampled rounds."""
    rng, rounds = np.random.default_rng(0), len(above)
    found = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = rng.integers(rounds, size=rounds)
        found[index] = above[drawn].sum() / max(below[drawn].sum(), 1e-12)
    low, high = np.quantile(found, (0.025, 0.975))
    return Estimate(float(above.sum() / max(below.sum(), 1e-12)), float(low), float(high), matched)
