"""Off-policy estimates, where what they estimate is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.systems_suite.off_policy import doubly_robust, snipw


def logged(rounds, seed=0):
    """Return actions of a uniform policy over three arms that pay 0.1, 0.2 and 0.6, and what they earned."""
    rng = np.random.default_rng(seed)
    actions = rng.integers(3, size=rounds)
    return actions, (rng.random(rounds) < np.array([0.1, 0.2, 0.6])[actions]).astype(float)


def test_snipw_by_hand():
    found = snipw(np.array([1.0, 0.0, 1.0, 0.0]), np.array([3.0, 3.0, 0.0, 0.0]))
    assert found.value == pytest.approx(0.5)
    assert found.matched == pytest.approx(2.0)


def test_doubly_robust_by_hand():
    # 0.5 + 2 * (1 - 0.4) and 0.5 + 0 * (...): 1.7 and 0.5
    found = doubly_robust(np.array([1.0, 0.0]), np.array([2.0, 0.0]), np.array([0.5, 0.5]), np.array([0.4, 0.9]))
    assert found.value == pytest.approx(1.1)


@pytest.mark.parametrize("arm", [0, 1, 2])
def test_both_find_what_a_policy_earns_that_never_ran(arm):
    truth, covered = (0.1, 0.2, 0.6)[arm], 0
    for seed in range(20):
        actions, rewards = logged(3000, seed)
        weights = 3.0 * (actions == arm)
        model = np.array([0.3, 0.3, 0.3])
        estimates = snipw(rewards, weights), doubly_robust(rewards, weights, np.full(3000, model[arm]), model[actions])
        assert all(found.value == pytest.approx(truth, abs=0.06) for found in estimates)
        covered += sum(found.low <= truth <= found.high for found in estimates)
    assert covered >= 32
