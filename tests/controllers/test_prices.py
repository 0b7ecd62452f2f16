"""Prices of constraints, by hand."""

from __future__ import annotations

import pytest

from trimtab.controllers.prices import Prices


def test_a_price_rises_while_a_cost_passes_its_limit_and_falls_to_nothing_below() -> None:
    prices = Prices({"power": 10.0})
    prices.move({"power": 20.0})
    # one step of 0.05 for a cost of twice the limit
    assert prices.values == {"power": pytest.approx(0.05)}
    # a deviation of the return of 4, spread over an episode that costs 20
    assert prices.tolls(4.0) == {"power": pytest.approx(0.05 * 4.0 / 20.0)}
    for _ in range(3):
        prices.move({"power": 0.0})
    assert prices.values == {"power": 0.0}


def test_excess_is_a_share_of_the_limit() -> None:
    prices = Prices({"power": 10.0, "crashes": 0.0})
    assert prices.excess({"power": 9.0, "crashes": 0.0}) == 0.0
    assert prices.excess({"power": 15.0, "crashes": 2.0}) == pytest.approx(2.5)
