"""What every benchmark shares: its headline figures, their intervals, and the command line."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Headline:
    """One figure beside its peer's. ``low``, ``high``: 95 % bootstrap interval of ``value`` (of ``ratio`` if there is one)."""

    name: str
    value: float
    peer: str = ""
    peer_value: float = math.nan
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seeds: int = 1
    better: Literal["higher", "lower"] = "lower"


Measured = tuple[list[Headline], dict[str, Any]]


def interval(values: Sequence[float], statistic: Callable[..., Any] = np.median, *, draws: int = 10_000) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of ``statistic`` over ``values``."""
    rng = np.random.default_rng(0)
    sample = np.asarray(values, dtype=float)
    found = statistic(sample[rng.integers(len(sample), size=(draws, len(sample)))], axis=1)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def run(name: str, measure: Callable[[argparse.Namespace], Measured], *options: tuple[str, dict[str, Any]]) -> None:
    """Parse the command line, measure, print the headlines and write the JSON. ``options``: further arguments of argparse."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--quick", action="store_true", help="fewer seeds and tasks: at most three minutes")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    for flag, settings in options:
        parser.add_argument(flag, **settings)
    arguments = parser.parse_args()
    began = time.perf_counter()
    headlines, details = measure(arguments)
    seconds = time.perf_counter() - began
    for headline in headlines:
        print(_line(headline))
    if arguments.json is not None:
        record = {"benchmark": name, "seconds": seconds, "quick": arguments.quick}
        record = {**record, "headline": [asdict(one) for one in headlines], **details}
        text = json.dumps(_finite(record), indent=1, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def _line(headline: Headline) -> str:
    parts = [f"{headline.name}: {headline.value:.5g}"]
    if not math.isnan(headline.low):
        parts.append(f"[{headline.low:.5g}, {headline.high:.5g}]")
    if headline.peer:
        parts.append(f"({headline.peer}: {headline.peer_value:.5g}, ratio {headline.ratio:.4g})")
    return " ".join([*parts, f"over {headline.seeds} seeds, {headline.better} is better"])


def _finite(value: Any) -> Any:
    """Return plain data in which what is not finite is null: JSON has no other word for it."""
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
