"""What was asked of the models of a study besides a low error, and how they stand to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab.report.story import Account, Story
from trimtab.report.words import figure
from trimtab.search.charges import Charges
from trimtab.store.quantities import quantity


@dataclass(frozen=True, slots=True)
class Aims:
    """``limits``: the most of each quantity. ``objectives``: quantities to be low beside the error."""

    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    objectives: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Aims:
        """Return the aims in the recorded configuration of a study."""
        return cls(config.get("limits", {}), tuple(config.get("objectives", ())))


@dataclass(frozen=True, slots=True)
class Kept:
    """One limit: what the best model has of the quantity, and what passing it was charged with in the end.

    ``price``: log error for each factor of e above the limit. ``within``: how many of the segments keep to it.
    """

    name: str
    most: float
    value: float
    price: float
    within: int

    @property
    def sentence(self) -> str:
        """The limit in words."""
        if self.value <= self.most:
            return f"The best model keeps to the limit on {self.name}: {figure(self.value)} of at most {figure(self.most)}."
        return (
            f"No model keeps to the limit on {self.name}: the nearest has {figure(self.value)} of at most {figure(self.most)}."
        )


def kept_limits(story: Story) -> list[Kept]:
    """Return how the best model of a study stands to each of its limits."""
    aims = Aims.of(story.config)
    if story.best is None or not aims.limits:
        return []
    charges, within = Charges(aims.limits, ()), dict.fromkeys(aims.limits, 0)
    for node in story.tree:
        path = story.tree.path(node.id)
        charges.add(path)
        if node.checkpoint is not None:
            for name, most in aims.limits.items():
                within[name] += quantity(name, path) <= most
        if node.job.index + 1 == node.job.horizon or node.checkpoint is None or charges.why_hopeless(path):
            charges.raise_prices()
    best = story.tree.path(story.best.id)
    return [Kept(name, most, quantity(name, best), charges.prices[name], within[name]) for name, most in aims.limits.items()]


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """A segment on the Pareto front; ``costs``: one for each objective."""

    account: Account
    costs: tuple[float, ...]


def front(story: Story) -> list[Tradeoff]:
    """Return the Pareto front of error and the study's objectives, lowest error first; empty where it had none."""
    objectives = Aims.of(story.config).objectives
    if not objectives:
        return []
    kept = [account for account in story.accounts.values() if account.node.checkpoint is not None]
    costs = [tuple(quantity(name, story.tree.path(each.id)) for name in objectives) for each in kept]
    chosen = pareto([(account.node.error, *cost) for account, cost in zip(kept, costs, strict=True)])
    return [Tradeoff(kept[index], costs[index]) for index in chosen]


def pareto(points: Sequence[tuple[float, ...]]) -> list[int]:
    """Return which of ``points`` no other beats in every coordinate (lower is better), by their first coordinate.

    >>> pareto([(1.0, 5.0), (2.0, 3.0), (3.0, 4.0)])
    [0, 1]
    """
    found: list[int] = []
    for index in sorted(range(len(points)), key=lambda each: points[each]):
        if not any(all(a <= b for a, b in zip(points[kept], points[index], strict=True)) for kept in found):
            found.append(index)
    return found
