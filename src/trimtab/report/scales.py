"""Axes: from a value to its place in [0, 1], and the few round values that are worth a label."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis over [low, high], logarithmic or not. Values outside lie outside [0, 1]."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where ``value`` lies between low (0) and high (1)."""
        if self.log:
            return math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 5) -> list[float]:
        """Return at most ``most`` round values inside the axis, ascending."""
        return _log_ticks(self.low, self.high, most) if self.log else _linear_ticks(self.low, self.high, most)


def drawable(value: float) -> bool:
    """Return whether ``value`` is finite and so small that differences of such values are finite too."""
    return abs(value) < 1e150


def fit(values: Iterable[float], *, log: bool | None = None, margin: float = 0.06) -> Scale:
    """Return an axis that holds every finite value with a margin; ``log=None`` chooses by their spread."""
    finite = sorted(value for value in values if drawable(value))
    if not finite:
        return Scale(0.0, 1.0)
    low, high = finite[0], finite[-1]
    if log is None:
        log = low > 0 and high / low > 8
    if log and low > 0:
        factor = (high / low) ** margin if high > low else 2.0
        return Scale(low / factor, high * factor, log=True)
    pad = (high - low) * margin if high > low else (abs(high) * 0.5 or 0.5)
    return Scale(low - pad, high + pad)


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    step = _round_step((high - low) / max(1, most))
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)][:most]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= most:
            return inside if len(inside) >= 2 else _linear_ticks(low, high, most)
    powers = [10.0**power for power in range(first, last + 1) if low <= 10.0**power <= high]
    return powers[:: math.ceil(len(powers) / most)]


def spread_out(values: list[float], most: int) -> list[float]:
    """Return at most ``most`` of ``values``, evenly chosen, the last among them."""
    if len(values) <= most:
        return values
    stride = math.ceil(len(values) / most)
    return values[::-1][::stride][::-1]
