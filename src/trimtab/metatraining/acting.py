"""How the trainings of a course are steered while a policy learns: by what it has learned so far, with strays, and by trial."""

from __future__ import annotations

import numpy as np

from trimtab.metatraining.fitting import Worths
from trimtab.policy.levers import BACK_MOVES, HEADS, KEEP
from trimtab.policy.rules import MARGIN

STRAYING = 0.05
"""In how many looks a head of a training that strays makes a move at random."""
USUAL = (2, 4)
"""Moves of the rate that are tried wherever a trial is made: by them a run is corrected."""


def careful(worths: Worths, observation: np.ndarray, masks: list[np.ndarray]) -> np.ndarray:
    """Return the actions (N, heads) of the ensemble.

    A lever is left alone unless every member of the ensemble values another move higher by MARGIN; then it makes the move of
    which the least convinced member thinks most.
    """
    members = worths.values(observation)
    choices: list[np.ndarray] = []
    for head, (mask, keep) in enumerate(zip(masks, KEEP, strict=True)):
        gains = np.where(mask, members[:, :, head, : mask.shape[1]].min(0), -np.inf)
        choices.append(np.where(gains.max(1) > MARGIN, gains.argmax(1), keep))
    return np.stack(choices, 1)


def stray(
    actions: np.ndarray, masks: list[np.ndarray], strays: np.ndarray, rng: np.random.Generator, *, first: bool
) -> np.ndarray:
    """Return ``actions``, (N, heads), in which the trainings ``strays``, (N,) bool, make some moves at random.

    At the ``first`` look they all move the rate: what a run that is too hot or too cold from its start shows, must be known.
    """
    drawn = [np.where(mask, rng.random(mask.shape), -1.0).argmax(1) for mask in masks]
    coins = rng.random((len(actions), len(HEADS))) < STRAYING
    coins[:, 0] |= first
    return np.where(coins & strays[:, None], np.stack(drawn, 1), actions)


def trials(masks: list[np.ndarray], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return what each of ``count`` clones of a training does, (count, heads); of one training: ``masks``, (moves,) a head.

    The first does nothing. Each of the others moves one lever: the first two the rate, by a factor in the middle, the next the
    rate by any other factor, then one goes back at a lower rate if it may, and the rest whatever there is to be moved.
    """
    free = [np.flatnonzero(mask & (np.arange(len(mask)) != keep)) for mask, keep in zip(masks, KEEP, strict=True)]
    others = [(head, move) for head, moves in enumerate(free) for move in moves if head or move not in USUAL]
    rate = [pair for pair in others if pair[0] == 0]
    extra = rate[int(rng.integers(len(rate)))]
    back = [pair for pair in others if pair == (len(HEADS) - 1, len(BACK_MOVES) - 1)]
    rest = [others[index] for index in rng.permutation(len(others)) if others[index] not in (extra, *back)]
    tried = [*((0, move) for move in USUAL), extra, *back, *rest]
    actions = np.tile(KEEP, (count, 1))
    for row, (head, move) in zip(actions[1:], tried, strict=False):
        row[head] = move
    return actions
