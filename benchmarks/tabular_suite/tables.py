"""Ten tables as they come, with words and gaps: six with classes, four with numbers. None was read by the shipped policy.

The prior of a study was learned on runs with image segments and computers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks.pilot_suite.sources import package

HELD_OUT = 0.25


@dataclass(frozen=True, slots=True)
class Table:
    """``rows``: a data frame. ``targets``: classes (int64) or numbers (float64)."""

    rows: pd.DataFrame
    targets: np.ndarray

    @property
    def classes(self) -> bool:
        return not np.issubdtype(self.targets.dtype, np.floating)


@dataclass(frozen=True, slots=True)
class Divided:
    """A table's rows to learn from and those held out, a quarter."""

    train: Table
    test: Table


def divide(table: Table, seed: int) -> Divided:
    """Return ``table`` divided at random, classes in equal shares."""
    alike = table.targets if table.classes else None
    learned, held = train_test_split(np.arange(len(table.rows)), test_size=HELD_OUT, random_state=seed, stratify=alike)
    return Divided(*(Table(table.rows.iloc[part].reset_index(drop=True), table.targets[part]) for part in (learned, held)))


def _stream(name: str) -> Table:
    rows = list(getattr(package("river.datasets"), name)())
    return Table(pd.DataFrame([x for x, _ in rows]), pd.factorize(pd.Series([str(y) for _, y in rows]), sort=True)[0])


def _sheet(name: str, target: str, *, drop: tuple[str, ...] = (), log: bool = False, classes: bool = False) -> Table:
    frame = package("pydataset").data(name).dropna(subset=[target]).reset_index(drop=True)
    wanted = frame.pop(target)
    numbers = pd.factorize(wanted, sort=True)[0] if classes else wanted.to_numpy(float)
    return Table(frame.drop(columns=[*drop]), np.log(numbers) if log else numbers)


TABLES: Mapping[str, Callable[[], Table]] = {
    "phishing": lambda: _stream("Phishing"),
    "image segments": lambda: _stream("ImageSegments"),
    "bananas": lambda: _stream("Bananas"),
    "mortgages": lambda: _sheet("Hdma", "deny", classes=True),
    "plebiscite": lambda: _sheet("Chile", "vote", classes=True),
    # what the chosen way of fishing costs and yields would tell which it was
    "fishing": lambda: _sheet("Fishing", "mode", drop=("price", "catch"), classes=True),
    "computers": lambda: _sheet("Computers", "price", log=True),
    "wages": lambda: _sheet("Wages", "lwage"),
    "housing": lambda: _sheet("Housing", "price", log=True),
    "labour income": lambda: _sheet("SLID", "wages", log=True),
}


def frame_for_boosting(rows: Any) -> pd.DataFrame:
    """Return ``rows`` with words as pandas categories, which gradient boosting splits natively."""
    return rows.astype(dict.fromkeys(rows.select_dtypes("object"), "category"))
