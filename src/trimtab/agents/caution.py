"""Caution: to leave a move of reference only where every member of an ensemble agrees that another is better."""

from __future__ import annotations

import numpy as np


def cautious(members: np.ndarray, reference: int, margin: float = 0.0) -> int:
    """Return the move that the least convinced member prefers most to ``reference``, or ``reference`` if one doubts them all.

    ``members``: values by each member, shape (members, moves), −inf where masked; the reference must be allowed. ``margin``: by
    how much every member must prefer it.

    >>> cautious(np.array([[0.0, 9.0, 2.0], [0.0, -0.1, 1.0]]), reference=0)
    2
    """
    return int(all_cautious(members[:, None], np.array([reference]), margin)[0])


def all_cautious(members: np.ndarray, references: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Return the same of several heads at once, (heads,): ``members`` (members, heads, moves), ``references`` (heads,)."""
    heads = np.arange(len(references))
    gains = np.minimum.reduce(members - members[:, heads, references][:, :, None])
    best = gains.argmax(1)
    return np.where(gains[heads, best] > margin, best, references)
