"""Figures as people read them."""

from __future__ import annotations

import math

from trimtab.space import show
from trimtab.space.moves import Value


def figure(value: float | None, digits: int = 3) -> str:
    """Return a number with ``digits`` significant digits; words for what is no number.

    >>> figure(0.061234), figure(1234567.0), figure(float("nan")), figure(float("inf")), figure(None)
    ('0.0612', '1 234 567', 'not finite', 'not finite', '–')
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "not finite"
    if abs(value) >= 10_000 and float(value).is_integer():
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:#.{digits}g}".rstrip(".") if 1e-4 <= abs(value) < 10**digits else f"{value:.{digits}g}"


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign, a true minus among them.

    >>> signed(0.1234), signed(-2.0), signed(0.0)
    ('+0.12', '−2.0', '0')
    """
    if not math.isfinite(value):
        return "not finite"
    if value == 0:
        return "0"
    return f"{'+' if value > 0 else '−'}{figure(abs(value), digits)}"


def duration(seconds: float) -> str:
    """Return a time span in the units that suit it.

    >>> duration(0.25), duration(75), duration(7260)
    ('0.25 s', '1 min 15 s', '2 h 1 min')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "segment"), count(3, "branch", "branches")
    ('1 segment', '3 branches')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def change(before: Value, after: Value) -> str:
    """Return a change of a setting.

    >>> change(0.3, 0.06), change("sgd", "adam")
    ('0.3 → 0.06', 'sgd → adam')
    """
    return f"{show(before)} → {show(after)}"
