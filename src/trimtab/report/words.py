"""Figures as people read them."""

from __future__ import annotations

import math

from trimtab.space import show
from trimtab.space.moves import Value


def figure(value: float | None, digits: int = 3) -> str:
    """Return a number with ``digits`` significant digits; words for what is no number.

    >>> figure(0.061234), figure(-1234.5), figure(1e-7), figure(float("nan")), figure(None)
    ('0.0612', '−1234', '1e-07', 'not finite', '–')
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "not finite"
    if value == 0:
        return "0"
    if 10**digits <= abs(value) < 1e9:
        return f"{value:,.0f}".replace(",", "\u202f" if abs(value) >= 1e4 else "").replace("-", "−")
    shown = f"{value:#.{digits}g}".rstrip(".") if 1e-4 <= abs(value) < 10**digits else f"{value:.{digits}g}"
    return shown.replace("-", "−", 1) if value < 0 else shown


def whole(number: float) -> str:
    """Return an amount that is counted, thousands apart; a fraction keeps its digits.

    >>> whole(35), whole(12000.0) == "12\u202f000", whole(17.5)
    ('35', True, '17.5')
    """
    if not float(number).is_integer():
        return figure(number)
    return f"{number:,.0f}".replace(",", "\u202f" if abs(number) >= 1e4 else "")


def tick(value: float) -> str:
    """Return the label of a round value on an axis.

    >>> tick(0.25), tick(1e-05), tick(2e-05), tick(100000.0)
    ('0.25', '10⁻⁵', '2·10⁻⁵', '10⁵')
    """
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    if value == 0 or -4 < int(exponent) < 5:
        return f"{value:.4g}".replace("-", "−")
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    digits = f"{float(mantissa):g}".replace("-", "−")
    return power if digits == "1" else f"{digits}·{power}"


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
    return f"{whole(number)} {noun if number == 1 else plural or noun + 's'}"


def change(before: Value, after: Value) -> str:
    """Return a change of a setting.

    >>> change(0.3, 0.06), change("sgd", "adam")
    ('0.3 → 0.06', 'sgd → adam')
    """
    return f"{show(before)} → {show(after)}"


def share(value: float | None) -> str:
    """Return a share in per cent, a dash where there is none.

    >>> share(0.3333), share(None)
    ('33 %', '–')
    """
    return "–" if value is None else f"{100 * value:.0f} %"
