"""The rules that hold in learning and in use alike: when a policy looks, and what happens to a training that diverges."""

from __future__ import annotations

import math

import numpy as np

RAMP = 20
"""Over so many steps from the first the rate rises linearly to what is set: moments and normalisations settle meanwhile."""
EARLY_STEPS = 4
"""Steps of the first segment after which the policy looks again."""
LOOKS_BEFORE = 2
"""Decisions before the first step: two moves reach twenty-five times the sane rate, or a twenty-fifth of it."""
BROKEN = math.log(10.0)
"""A loss that is so much above the start (in logarithms), or not finite, is a divergence: the training goes back."""
RETREAT = 5.0
"""By this the rate is divided after a divergence."""
REGRET = 0.02
"""A run ends at its best weights, where it has them, if its last validation loss is so much above theirs (in logarithms)."""
PATIENCE, OVERFIT, RISING, FALLEN = 0.2, 0.05, 0.02, math.log(10.0)
"""A training overfits when for PATIENCE of its segments no validation loss was a new best, the mean of the later half is RISING
above that of the earlier, the last is OVERFIT above the best, and the train loss as much below what it was then (all in
logarithms). It then goes back, to a lower rate: what is left of the run would only learn the examples by heart. Where the best
loss is FALLEN below the start the training is left alone: there the loss is high because the rate is, and falls with it."""


BALANCE = 0.99
"""Where a start is found for SGD, the mean square of each row of its gradients forgets so much less than all at each step."""
NOTED = 0.02
"""A gain of this in final log loss counts half: less is noise on any task, and far more is no better."""
MARGIN = 0.1
"""What every member of the ensemble must think that a change is worth before it is made.

A change of no worth is not free: the next look may take it back, and the rate walks at random.
"""


def counted(gained: np.ndarray) -> np.ndarray:
    """Return what gains in final log loss are worth, from −1 to 1: the unit of all that a policy thinks of moves.

    Where noise sets the end of a training, changes gain some hundredths; where its loss goes on falling, powers of ten. Counted
    as they are, the first would not be heard beside the second.

    >>> counted(np.array([-0.02, 0.0, 0.02, 1.98])).tolist()
    [-0.5, 0.0, 0.5, 0.99]
    """
    return gained / (NOTED + np.abs(gained))


def gain(worth: np.ndarray) -> np.ndarray:
    """Return the gains in final log loss that are counted as ``worth``: the inverse of ``counted``; beyond 0.95 they are cut.

    >>> gain(np.array([-0.5, 0.0, 0.5])).tolist()
    [-0.02, 0.0, 0.02]
    """
    worth = np.clip(worth, -0.95, 0.95)
    return NOTED * worth / (1.0 - np.abs(worth))


def ramp(step: int) -> float:
    """Return the share of its rate with which ``step`` (from 0) is made.

    >>> ramp(0), ramp(19), ramp(1000)
    (0.05, 1.0, 1.0)
    """
    return min(1.0, (step + 1) / RAMP)
