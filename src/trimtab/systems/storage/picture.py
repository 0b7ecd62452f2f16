"""A picture of a week in a home: what the grid gave with storage and without, what is stored, prices and sun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trimtab.systems.storage.home import BEFORE, DAY, HOURS, Home

_INK, _GRID, _WITHOUT, _SUN, _BATTERY, _TANK, _PRICE = (
    "#37474f", "#1e88e5", "#90a4ae", "#f9a825", "#2e7d32", "#ef6c00", "#eceff1")  # fmt: skip
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def picture(home: Home, without: Mapping[str, float]) -> np.ndarray:
    """Return an image of shape (height, width, 3) of the week so far. ``without``: totals of the week without storage."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=100, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    drawn, stored, saved = figure.subplots(3, 1, height_ratios=(2, 1.1, 1.1))
    _draw_grid(drawn, home)
    _draw_charge(stored, home)
    _draw_saved(saved, home, without)
    day, hour = divmod(min(home.hour, HOURS - 1), DAY)
    weekday = _DAYS[(int(home.record.weekday[BEFORE + day * DAY]) - 1) % 7]
    figure.suptitle(f"Home {home.stay.number} of {home.stay.year}   ·   {weekday} {hour:02d}:00", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_grid(axes: Any, home: Home) -> None:
    record, week = home.record, slice(BEFORE, BEFORE + HOURS)
    hours, passed = np.arange(HOURS), np.arange(home.hour)
    top = 1.15 * max(float(record.net[week].max()), max(home.net, default=0.0), 1.0)
    dear = record.price[week] > 1.2 * record.price[week].min()
    axes.fill_between(hours, -top, top, where=dear, step="post", color=_PRICE, linewidth=0, label="electricity is dear")
    axes.fill_between(hours, record.sun[week], step="post", color=_SUN, alpha=0.3, linewidth=0, label="sun")
    axes.step(hours, record.net[week], where="post", color=_WITHOUT, linewidth=1.2, label="from the grid without storage")
    axes.step(passed, home.net, where="post", color=_GRID, linewidth=1.8, label="with it")
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(-0.01, 1.0), labelcolor=_INK)
    _frame(axes, "kWh", (min(-0.3, 1.1 * float(record.net[week].min())), top))


def _draw_charge(axes: Any, home: Home) -> None:
    charges = 100 * np.array(home.charges)
    axes.plot(charges[:, 0], color=_BATTERY, linewidth=1.8, label="battery")
    if home.devices > 1:
        axes.plot(charges[:, 1], color=_TANK, linewidth=1.8, label="tank")
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper right", labelcolor=_INK)
    _frame(axes, "full, %", (0, 105))


def _draw_saved(axes: Any, home: Home, without: Mapping[str, float]) -> None:
    record, passed = home.record, slice(BEFORE, BEFORE + home.hour)
    spared = np.maximum(record.net[passed], 0) - np.maximum(np.array(home.net), 0)
    for name, weight, colour in (("cost", record.price, _GRID), ("carbon", record.carbon, _BATTERY)):
        axes.plot(100 * np.cumsum(weight[passed] * spared) / without[name], color=colour, linewidth=1.6, label=name)
    axes.axhline(0, color=_INK, linewidth=0.7)
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper left", labelcolor=_INK)
    _frame(axes, "saved, % of the week's", (-20, 70))


def _frame(axes: Any, title: str, limits: tuple[float, float]) -> None:
    axes.set(xlim=(0, HOURS), ylim=limits, xticks=range(0, HOURS + 1, DAY))
    axes.set_ylabel(title, fontsize=8, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
