"""Caution: to leave a move of reference only where every member of an ensemble agrees that another is better."""

from __future__ import annotations

import numpy as np


def cautious(members: np.ndarray, reference: int) -> int:
    """Return the move that the least convinced member prefers most to ``reference``, or ``reference`` if one doubts them all.

    ``members``: values by each member, shape (members, moves), −inf where masked; the reference must be allowed.

    >>> cautious(np.array([[0.0, 9.0, 2.0], [0.0, -0.1, 1.0]]), reference=0)
    2
    """
    gains = np.minimum.reduce(members - members[:, reference : reference + 1])
    best = int(gains.argmax())
    return best if gains[best] > 0 else reference
