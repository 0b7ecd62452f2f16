"""Which starts are likely to keep to limits that no later segment can mend: the size of a model, and how fast it answers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trimtab.search.belief import Belief
from trimtab.search.charges import FIXED, Charges
from trimtab.space import Space
from trimtab.store.quantities import quantity
from trimtab.store.records import Node

HOPE, DOUBT = -0.5, 1.0
"""What log(quantity / limit) is believed to be before any start was tried, give or take: most starts are worth trying."""
BEND = 2.0
"""By how much it may change from one end of a hyperparameter to the other."""
NOISE = 0.05


class Feasible:
    """Learns log(quantity / limit) as a quadratic function of what is set at the start of a run, one for each such limit."""

    def __init__(self, space: Space, charges: Charges) -> None:
        self._limits = {name: most for name, most in charges.limits.items() if name in FIXED}
        self._columns = _start_columns(space)
        self._space = space
        size = _features(np.zeros((1, len(self._columns)))).shape[1]
        mean, deviations = np.zeros(size), np.full(size, BEND)
        mean[0], deviations[0] = HOPE, DOUBT
        self._beliefs = {name: Belief(mean, np.diag(deviations**2)) for name in self._limits}

    def __bool__(self) -> bool:
        return bool(self._limits)

    def learn(self, root: Node) -> None:
        """Take in what the first node of a run has come to."""
        if not self or root.checkpoint is None:
            return
        settings = root.job.settings
        codes = np.array([[code for name, member in self._space.items() for code in member.encode(settings[name])]])
        for name, most in self._limits.items():
            value = math.log(max(quantity(name, [root]), 1e-12) / most)
            self._beliefs[name].observe(_features(codes[:, self._columns]), np.array([value]), np.array([NOISE**2]))

    def excess(self, codes: np.ndarray) -> np.ndarray:
        """Return how far each of ``codes`` (n, space.width) is expected to pass a limit, (n,): 0 where it keeps to all."""
        features = _features(codes[:, self._columns])
        expected = [features @ belief.mean for belief in self._beliefs.values()]
        return np.maximum(np.stack(expected), 0.0).sum(axis=0) if expected else np.zeros(len(codes))


def _start_columns(space: Space) -> Sequence[int]:
    """Return which numbers of a start's code are of hyperparameters that stay as they are."""
    found, at = list[int](), 0
    for name, member in space.items():
        if name not in space.live:
            found += range(at, at + member.width)
        at += member.width
    return found


def _features(codes: np.ndarray) -> np.ndarray:
    """Return 1, each column, and the product of any two, (n, 1 + k + k (k + 1) / 2)."""
    count = codes.shape[1]
    products = [codes[:, one] * codes[:, other] for one in range(count) for other in range(one, count)]
    return np.stack([np.ones(len(codes)), *codes.T, *products], axis=1)
