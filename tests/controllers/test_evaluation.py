"""Ratios and intervals of an evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.controllers.evaluation import Evaluation, Standing
from trimtab.errors import ControlError


def evaluation(policy: list[float], **rules: list[float]) -> Evaluation:
    standings = [Standing(name, {"cost": np.array(costs)}, 0.0) for name, costs in {"policy": policy, **rules}.items()]
    return Evaluation("lamp", "cost", "units", len(policy), tuple(standings))


def test_the_ratio_is_to_the_best_rule_and_its_interval_is_paired() -> None:
    found = evaluation([1.0, 2.0, 3.0, 4.0], good=[2.0, 4.0, 6.0, 8.0], bad=[9.0, 9.0, 9.0, 9.0])
    assert found.best_rule.name == "good"
    # half of the rule's cost on every episode, however different the episodes are
    assert found.ratio() == pytest.approx((0.5, 0.5, 0.5))
    low, high = found.interval(found.policy)
    assert low < 2.5 < high


def test_costs_that_are_not_positive_have_no_ratio() -> None:
    assert not evaluation([-1.0, -2.0], rule=[-1.0, -1.0]).comparable
    assert "ratio" not in str(evaluation([-1.0, -2.0], rule=[-1.0, -1.0]))
    with pytest.raises(ControlError, match="against"):
        _ = evaluation([1.0]).best_rule
