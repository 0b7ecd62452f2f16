"""What a shop does without learning agents: rankings that are the same for everybody, or learned by counting clicks."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from trimtab.seeds import generator
from trimtab.systems.shop.shoppers import KNOBS, draw_pages, draw_shoppers, expected_clicks
from trimtab.systems.system import Act, Rule

ARMS = 32
TRIED_ON = 400
"""Shoppers of the training split on whom every ranking is tried, to find which is best for most."""


@cache
def arms() -> np.ndarray:
    """Return the rankings among which simple rules choose, drawn once of -1, 0 and 1, shape (32, 27)."""
    return generator(0, "shop", "arms").integers(-1, 2, size=(ARMS, KNOBS)).astype(np.float64)


def any_ranking(env: Any) -> Act:
    """Show each page by one of the rankings, drawn at random."""
    rng = generator(int(env.pages.sum()), "shop", "any")
    return lambda _: arms()[int(rng.integers(ARMS))].astype(np.float32)


def zero(env: Any) -> Act:  # noqa: ARG001 - a rule is given its environment
    """Weigh no attribute."""
    return lambda _: np.zeros(KNOBS, dtype=np.float32)


def popular(env: Any) -> Act:  # noqa: ARG001 - a rule is given its environment
    """Show everybody what was clicked most by the shoppers of the training split."""
    return lambda _: _most_clicked().astype(np.float32)


@cache
def _most_clicked() -> np.ndarray:
    rng = generator(0, "train", "popular")
    shoppers = draw_shoppers(TRIED_ON, rng)
    pages = (rng.random(TRIED_ON) * draw_pages(shoppers, rng)).astype(int)
    clicked = [expected_clicks(shoppers, pages, np.tile(ranking, (TRIED_ON, 1))).mean() for ranking in arms()]
    return arms()[int(np.argmax(clicked))]


RULES: dict[str, Rule] = {"any": any_ranking, "zero": zero, "popular": popular}
