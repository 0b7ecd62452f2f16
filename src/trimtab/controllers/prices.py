"""Constraints: each limited cost has a price that rises while it is too high and falls while it is not.

Dual ascent on the Lagrangian of a constrained decision process: λ ← max(0, λ + η (cost − limit) / size).
Altman 1999; Tessler, Mankowitz & Mannor 2019, "Reward constrained policy optimization".
"""

from __future__ import annotations

from collections.abc import Mapping

STEP = 0.05
"""How far a price moves in an episode whose cost is twice its limit."""


class Prices:
    """The price of each limited cost. ``limits``: the most that each may be, the mean of an episode.

    ``values``: λ, in deviations of the return for an episode that costs ``sizes``, the largest that was seen of each cost.
    """

    def __init__(
        self,
        limits: Mapping[str, float],
        values: Mapping[str, float] | None = None,
        sizes: Mapping[str, float] | None = None,
    ) -> None:
        self.limits = dict(limits)
        self.values = dict.fromkeys(limits, 0.0) if values is None else dict(values)
        self.sizes = {name: abs(limit) or 1e-9 for name, limit in limits.items()} if sizes is None else dict(sizes)

    def move(self, costs: Mapping[str, float]) -> None:
        """Take in what an episode cost."""
        for name, limit in self.limits.items():
            cost = costs.get(name, 0.0)
            self.sizes[name] = max(self.sizes[name], abs(cost))
            self.values[name] = max(0.0, self.values[name] + STEP * (cost - limit) / (abs(limit) or self.sizes[name]))

    def tolls(self, scale: float) -> dict[str, float]:
        """Return what a unit of each cost takes off the reward; ``scale``: the deviation of the return."""
        return {name: value * scale / self.sizes[name] for name, value in self.values.items()}

    def excess(self, costs: Mapping[str, float]) -> float:
        """Return by how much ``costs`` pass the limits in all, each as a share of its own; 0 if they keep to them."""
        return sum(max(0.0, costs.get(name, 0.0) - limit) / (abs(limit) or 1.0) for name, limit in self.limits.items())
