"""What a study is begun with by those who tuned before: the few configurations that together were best on other problems."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.pilot_suite.sources import MissingDataError

PATH = Path(__file__).parents[1] / "portfolio.json"


def read(path: Path = PATH) -> list[dict[str, Any]]:
    """Return the settings of the portfolio, best first."""
    if not path.exists():
        raise MissingDataError(f"{path}: not there; it is a list of settings, chosen by greedy_portfolio")
    return json.loads(path.read_text())


def greedy_portfolio(table: Mapping[str, Mapping[str, float]], size: int) -> list[str]:
    """Return the ids of ``size`` configurations: each makes the mean over problems of the best normalised loss least.

    ``table``: {problem: {configuration: final validation loss}}, of the same configurations for every problem.
    Wistuba et al. 2015, "Sequential model-free hyperparameter tuning"; Salinas et al. 2020, arXiv 1909.13595.
    """
    scaled = [normalised(losses) for losses in table.values()]
    best, chosen = [1.0] * len(scaled), list[str]()
    while len(chosen) < min(size, len(scaled[0])):
        left = [name for name in scaled[0] if name not in chosen]
        chosen.append(min(left, key=lambda name: fmean(min(b, row[name]) for b, row in zip(best, scaled, strict=True))))
        best = [min(b, row[chosen[-1]]) for b, row in zip(best, scaled, strict=True)]
    return chosen


def normalised(losses: Mapping[str, float]) -> dict[str, float]:
    """Return losses from 0, the best, to 1, the median and whatever is worse."""
    least, middle = min(losses.values()), median(losses.values())
    return {name: min(1.0, (loss - least) / max(middle - least, 1e-12)) for name, loss in losses.items()}
