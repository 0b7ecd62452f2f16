"""How the trainings of a course explore: each strays with a probability of its own, from hardly ever to often."""

from __future__ import annotations

import numpy as np

from trimtab.agents import DQNAgent
from trimtab.policy.levers import HEADS, KEEP
from trimtab.policy.rules import MARGIN

BOLDEST, TIMIDEST = 0.4, 0.003


def ladder(clones: int) -> np.ndarray:
    """Return the probability of straying of each of the ``clones`` of a training, (clones,).

    The first never strays; the others' are evenly spaced in their logarithm. Horgan et al. 2018, section 4.
    """
    return np.concatenate([[0.0], np.geomspace(TIMIDEST, BOLDEST, clones - 1)])


def careful(agent: DQNAgent, observation: np.ndarray, masks: list[np.ndarray]) -> np.ndarray:
    """Return the actions (N, heads) of the ensemble, averaged over its last steps of learning.

    A lever is left alone unless every member of the ensemble values another move higher by MARGIN; then it makes the move of
    which the least convinced member thinks most.
    """
    members = agent.values(observation, averaged=True)
    choices: list[np.ndarray] = []
    for head, (mask, keep) in enumerate(zip(masks, KEEP, strict=True)):
        values = members[:, :, head, : mask.shape[1]]
        gains = np.where(mask, (values - values[:, :, keep, None]).min(0), -np.inf)
        choices.append(np.where(gains.max(1) > MARGIN, gains.argmax(1), keep))
    return np.stack(choices, 1)


def stray(actions: np.ndarray, masks: list[np.ndarray], epsilon: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ``actions`` in which each head makes a random allowed move with probability ``epsilon``, (N,)."""
    drawn = [np.where(mask, rng.random(mask.shape), -1.0).argmax(1) for mask in masks]
    coins = rng.random((len(actions), len(HEADS))) < epsilon[:, None]
    return np.where(coins, np.stack(drawn, 1), actions)


def spread_out(actions: np.ndarray, clone: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Return ``actions``, (N, heads), in which each of the clones ``who``, (N,) bool, sets out with a rate move of its own.

    A move at random in the middle of a run changes its end by less than chance does; a run that is twice as hot from the start
    ends where it ends because of that. ``clone``, (N,): the number of each among its clones, from 0.
    """
    first = actions.copy()
    moves = np.delete(np.arange(HEADS[0]), KEEP[0])
    first[who, 0] = moves[(clone[who] - 1) % len(moves)]
    return first
