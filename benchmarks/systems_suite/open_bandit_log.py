"""The small sample of the Open Bandit Dataset (Saito et al. 2021): what ZOZOTOWN showed, and what was clicked.

10,000 rounds of each campaign under each logging policy, from the wheel of obp: ``pip install --no-deps obp==0.4.1``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from trimtab.datasets import fetch

CAMPAIGNS = ("all", "men", "women")
TRAITS = 4
Logger = Literal["random", "bts"]


@dataclass(frozen=True, slots=True)
class Rounds:
    """``seen``: who came and where on the page, one hot, shape (rounds, features); the others: shape (rounds,).

    ``chances``: of showing the item that was shown. ``count``: items that there are.
    """

    seen: np.ndarray
    items: np.ndarray
    clicks: np.ndarray
    chances: np.ndarray
    count: int

    def part(self, chosen: slice) -> Rounds:
        """Return some of the rounds."""
        return Rounds(self.seen[chosen], self.items[chosen], self.clicks[chosen], self.chances[chosen], self.count)


def rounds(campaign: str, logger: Logger) -> Rounds:
    """Return the rounds of ``campaign`` as ``logger`` chose, in order of time."""
    folder = fetch("openbandit") / "dataset/obd"
    traits = _traits(folder, campaign)
    rows = sorted(_rows(folder / logger / campaign / f"{campaign}.csv"), key=lambda row: row["timestamp"])
    seen = np.zeros((len(rows), 3 + sum(map(len, traits))), dtype=np.float32)
    for number, row in enumerate(rows):
        seen[number, int(row["position"]) - 1] = 1
        start = 3
        for place, known in enumerate(traits):
            seen[number, start + known.index(row[f"user_feature_{place}"])] = 1
            start += len(known)
    items, clicks, chances = (np.array([float(row[name]) for row in rows]) for name in ("item_id", "click", "propensity_score"))
    return Rounds(seen, items.astype(int), clicks, chances, len(_rows(folder / logger / campaign / "item_context.csv")))


def _traits(folder: Path, campaign: str) -> list[list[str]]:
    """Return the values of each trait, of both logs."""
    rows = [row for logger in ("random", "bts") for row in _rows(folder / logger / campaign / f"{campaign}.csv")]
    return [sorted({row[f"user_feature_{place}"] for row in rows}) for place in range(TRAITS)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
