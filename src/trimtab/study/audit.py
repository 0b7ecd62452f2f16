"""How far a study over-fitted the split that it chose by: told by an audit split, which no decision has read.

A study looks at the validation split after every segment and ships the best of thousands of looks, so that part of what is
best there was luck. The audit split has none of that luck (Dwork et al. 2015, "The reusable holdout").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.errors import StudyError
from trimtab.report.importance import spearman
from trimtab.store.records import Node
from trimtab.task import Task

CANDIDATES = 20
"""So many of the best by validation are looked at again."""
FEWEST = 3
"""Of fewer models no agreement is told."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit split says of the best model by validation; errors are on the goal's scale, by default logarithms.

    ``validation``, ``audit``: its error on each. ``agreement``: the rank correlation of both over the ``candidates`` best, from
    -1 to 1: at 0 or below the order of the best is luck; NaN of fewer than three. ``choice``: the node that is
    best on both splits together, the one to ship where they disagree. From then on the audit split has chosen too, and only a
    test split is free of luck.
    """

    node: int
    validation: float
    audit: float
    agreement: float
    candidates: int
    choice: int

    @property
    def gap(self) -> float:
        """By how much the error is higher on the audit split: luck, and that one split may be harder than the other."""
        return self.audit - self.validation

    def __str__(self) -> str:
        errors = f"error {self.validation:.4g} on validation, {self.audit:.4g} on the audit split: a gap of {self.gap:+.3f}"
        order = f"; rank correlation of the best {self.candidates} on both {self.agreement:+.2f}"
        advice = f"; node {self.choice} is best on both together" if self.choice != self.node else ""
        return f"{errors}{'' if math.isnan(self.agreement) else order}{advice}"


def audit(task: Task[Any], nodes: Sequence[Node], read: Callable[[int], bytes]) -> Audit:
    """Return the audit of the best of ``nodes``, which all ended well; ``read`` returns the checkpoint of one."""
    best = min(nodes, key=lambda node: node.rank)
    # what passes a limit that the best keeps to is no choice
    ranked = sorted((node for node in nodes if node.excess <= best.excess), key=lambda node: node.rank)[:CANDIDATES]
    metrics = [task.evaluate(task.decode(read(node.id)), "audit") for node in ranked]
    errors = np.array([task.goal.error(measured) for measured in metrics])
    if not np.isfinite(errors).any():
        raise StudyError(f"audit: {task.goal.metric} cannot be computed on the audit split, for any of {len(errors)} models")
    share = _share(task)
    together = [_together(task, node, measured, share) for node, measured in zip(ranked, metrics, strict=True)]
    agreement = spearman([node.error for node in ranked], errors.tolist()) if len(ranked) >= FEWEST else math.nan
    return Audit(best.id, best.error, float(errors[0]), agreement, len(ranked), ranked[int(np.argmin(together))].id)


def _share(task: Any) -> float:
    """Return which share of the examples of both splits is in the audit split; half if that is not known."""
    sizes = getattr(getattr(task, "splits", None), "sizes", {})
    validation, audited = sizes.get("validation"), sizes.get("audit")
    return audited / (audited + validation) if validation and audited else 0.5


def _together(task: Task[Any], node: Node, audited: Mapping[str, float], share: float) -> float:
    name = task.goal.metric
    return task.goal.error({name: (1 - share) * node.after.metrics[name] + share * audited[name]})
