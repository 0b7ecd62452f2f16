"""What the search adds to the error of a path for what its model costs: for limits that it breaks, and for other objectives.

A limit is an exact penalty (Nocedal & Wright 2006, ch. 17): the error is charged with a price times how far the limit is
passed, and the price is doubled as long as what is cheapest passes it. Of several objectives a weighted sum is looked at, whose
weights are drawn anew again and again, so that the models found lie all along the Pareto front (Knowles 2006, ParEGO).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from trimtab.store.quantities import quantity, seconds
from trimtab.store.records import Node

FIXED = ("parameters", "latency")
"""No further segment changes these."""
LOGARITHMIC = ("parameters", "latency", "seconds")
"""As objectives these count by their logarithm."""
STEEPEST = 20.0
"""A further objective counts at most so many times as much as the error, each in units of its own spread."""


class Charges:
    """Knows what every node costs. ``limits``: the most that a quantity may be. ``objectives``: quantities to be kept low."""

    def __init__(self, limits: Mapping[str, float], objectives: Sequence[str]) -> None:
        self.limits = dict(limits)
        self.objectives = tuple(objectives)
        self.prices = dict.fromkeys(limits, 1.0)
        """What passing each limit by a factor of e is charged with, in units of ``unit``."""
        self.unit = 1.0
        """What counts as much as a factor of e in an error whose logarithm is taken."""
        self._weights, self._least = np.zeros(len(objectives)), np.zeros(len(objectives))
        self._excesses, self._costs = np.zeros((64, len(limits))), np.zeros((64, len(objectives)))
        self._errors = np.full(64, math.inf)

    def __bool__(self) -> bool:
        return bool(self.limits or self.objectives)

    def add(self, path: Sequence[Node]) -> float:
        """Take in the last node of ``path`` and return how far it passes the limits: the sum of log(quantity / limit)."""
        node = path[-1]
        if not self or node.checkpoint is None:
            return 0.0
        while node.id >= len(self._errors):
            self._errors = np.concatenate([self._errors, np.full_like(self._errors, math.inf)])
            self._excesses = np.vstack([self._excesses, np.zeros_like(self._excesses)])
            self._costs = np.vstack([self._costs, np.zeros_like(self._costs)])
        self._errors[node.id] = node.error
        self._excesses[node.id] = [_excess(quantity(name, path), most) for name, most in self.limits.items()]
        self._costs[node.id] = [_cost(name, path) for name in self.objectives]
        return float(self._excesses[node.id].sum())

    def of(self, nodes: Sequence[int] | np.ndarray, *, most: np.ndarray | float = math.inf) -> np.ndarray:
        """Return what is added to the error that each of ``nodes`` is expected to end with, (n,).

        ``most``: what passing limits is charged with at most.
        """
        places = np.asarray(nodes, dtype=int)
        if not self:
            return np.zeros(len(places))
        passed = np.minimum(self._excesses[places] @ self._rates, most)
        return passed + (self._costs[places] - self._least) @ self._weights

    def toll(self, path: Sequence[Node]) -> float:
        """Return by how much the last segment of ``path`` raised what is charged for limits: its reward is so much less.

        What no move of an agent can change is not on its account.
        """
        if not self.limits or path[-1].checkpoint is None:
            return 0.0
        before = self._excesses[path[-2].id] if len(path) > 1 else 0.0
        movable = np.array([name not in FIXED for name in self.limits])
        return float((self._excesses[path[-1].id] - before) @ (self._rates * movable))

    def why_hopeless(self, path: Sequence[Node]) -> str | None:
        """Return why no further segment of ``path`` can keep to the limits; None if one may."""
        for name in (name for name in FIXED if name in self.limits):
            value = quantity(name, path)
            if value > self.limits[name]:
                return f"{name}: {_figure(value)}, over the limit of {_figure(self.limits[name])}"
        used = seconds(path)
        if "seconds" in self.limits and used * (1 + 1 / len(path)) > self.limits["seconds"]:
            return f"another segment would pass the limit of {self.limits['seconds']:.4g} seconds"
        return None

    def raise_prices(self) -> None:
        """Double the price of what the node that is cheapest at the present prices passes; to be called as runs end."""
        if not self.limits or not np.isfinite(self._errors).any():
            return
        charged = self._errors + self._excesses @ self._rates
        passed = self._excesses[int(charged.argmin())]
        for name, excess in zip(self.limits, passed, strict=True):
            if excess > 0:
                self.prices[name] *= 2

    @property
    def _rates(self) -> np.ndarray:
        return self.unit * np.array(list(self.prices.values()))

    def draw_weights(self, rng: np.random.Generator) -> None:
        """Draw what the objectives are worth beside the error, each in units of its spread over what was seen."""
        seen = np.isfinite(self._errors)
        if not self.objectives or seen.sum() < 2:
            return
        shares = rng.dirichlet(np.ones(1 + len(self.objectives)))
        errors, costs = self._errors[seen], self._costs[seen]
        spread = float(np.median(errors) - errors.min())
        self._least = costs.min(axis=0)
        steepness = np.minimum(shares[1:] / max(shares[0], 1e-9), STEEPEST)
        self._weights = steepness * spread / np.maximum(costs.std(axis=0), 1e-9)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _excess(value: float, most: float) -> float:
    return max(0.0, math.log(value / most)) if value > 0 else 0.0


def _cost(name: str, path: Sequence[Node]) -> float:
    """Return ``name`` as an objective. Seconds count by the segment: how far a run has come is not its fault."""
    value = quantity(name, path) / (len(path) if name == "seconds" else 1)
    return math.log(max(value, 1e-12)) if name in LOGARITHMIC else value
