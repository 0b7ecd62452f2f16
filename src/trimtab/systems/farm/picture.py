"""A picture of a season of maize: water in the soil, what was given and what fell, and the crop, to this day."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trimtab.systems.farm.season import MATURITY, Season

_SOIL, _WATER, _RAIN, _LEAF, _GRAIN, _INK = "#8d6e63", "#1e88e5", "#90caf9", "#43a047", "#f9a825", "#37474f"


def picture(season: Season, log: Sequence[Mapping[str, float]], potential: float) -> np.ndarray:
    """Return an image of shape (height, width, 3): ``log`` holds a record of each day, ``potential`` is in t/ha."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 2, width_ratios=(2.6, 1))
    days = {key: np.array([moment[key] for moment in log]) for key in log[0]}
    _draw_field(figure.add_subplot(grid[:, 1]), log[-1], season.days)
    _draw_soil(figure.add_subplot(grid[0, 0]), days)
    _draw_supply(figure.add_subplot(grid[1, 0]), days)
    _draw_crop(figure.add_subplot(grid[2, 0]), days, potential)
    figure.suptitle(
        f"Maize, {season.year}, day {season.days}   ·   {season.irrigation:.0f} mm given   ·   {season.grain:.1f} t/ha",
        color=_INK,
        fontweight="bold",
    )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_soil(axes: Any, days: Mapping[str, np.ndarray]) -> None:
    left = 100 * (1 - days["depletion"] / np.maximum(days["available"], 1e-9))
    axes.fill_between(range(len(left)), left, color=_SOIL, alpha=0.35, linewidth=0)
    axes.plot(left, color=_SOIL, linewidth=2)
    _frame(axes, "water in reach of roots, %", 110)


def _draw_supply(axes: Any, days: Mapping[str, np.ndarray]) -> None:
    axes.bar(range(len(days["rain"])), days["rain"], color=_RAIN, width=1.0, label="rain")
    axes.bar(range(len(days["irrigation"])), days["irrigation"], color=_WATER, width=1.4, label="irrigation")
    axes.legend(frameon=False, fontsize=8, loc="upper right", ncols=2, labelcolor=_INK)
    _frame(axes, "mm a day", max(60.0, 1.15 * float(days["rain"].max())))


def _draw_crop(axes: Any, days: Mapping[str, np.ndarray], potential: float) -> None:
    axes.plot(100 * days["canopy"], color=_LEAF, linewidth=2, label="ground covered, %")
    axes.plot(100 * days["grain"] / potential, color=_GRAIN, linewidth=2, label="grain, % of what is possible")
    axes.legend(frameon=False, fontsize=8, loc="upper left", labelcolor=_INK)
    _frame(axes, "%", 150)
    axes.set_xlabel("days after sowing", color=_INK, fontsize=9)


def _frame(axes: Any, title: str, top: float) -> None:
    axes.set(xlim=(0, MATURITY), ylim=(0, top))
    axes.set_title(title, loc="left", fontsize=9, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eceff1")
    axes.set_axisbelow(True)


def _draw_field(axes: Any, moment: Mapping[str, float], day: int) -> None:
    """Draw plants as high as they are grown and roots as deep as they reach, above soil as dark as it is wet."""
    left = 1 - moment["depletion"] / max(moment["available"], 1e-9)
    axes.axhspan(0, 3, color="#e3f2fd" if moment["rain"] < 1 else "#b0bec5")
    axes.axhspan(-2.9, 0, color="#d7ccc8")
    axes.axhspan(-moment["roots"], 0, color=_SOIL, alpha=float(np.clip(0.25 + 0.75 * left, 0, 1)))
    axes.add_artist(_sun(moment["rain"] < 1))
    for place in (0.2, 0.5, 0.8):
        _draw_plant(axes, place, moment, day)
    axes.text(0.5, -2.7, f"{100 * left:.0f} % of the water left", ha="center", color=_INK, fontsize=9)
    axes.set(xlim=(0, 1), ylim=(-2.9, 3))
    axes.axis("off")


def _sun(shines: bool) -> Any:
    from matplotlib.patches import Ellipse

    return Ellipse((0.85, 2.6), 0.14, 0.35, color="#ffca28" if shines else "#cfd8dc")


def _draw_plant(axes: Any, place: float, moment: Mapping[str, float], day: int) -> None:
    height = 2.2 * min(1.0, day / 70) * (0.25 + 0.75 * min(1.0, moment["canopy"] / 0.9) if day < 70 else 1.0)
    colour = _LEAF if moment["canopy"] > 0.3 or day < 90 else _GRAIN
    axes.plot([place, place], [0, height], color=colour, linewidth=3, solid_capstyle="round")
    for index in range(6):
        side, foot = (-1) ** index, height * (0.15 + 0.13 * index)
        reach = 0.13 * math.sqrt(min(1.0, height / 1.5))
        xs = place + side * np.linspace(0, reach, 8)
        axes.plot(xs, foot + 0.35 * height * np.sin(np.linspace(0, 2.2, 8)) * 0.5, color=colour, linewidth=2.2)
    if moment["grain"] > 0.5:
        axes.plot([place + 0.03] * 2, [0.42 * height, 0.55 * height], color=_GRAIN, linewidth=7, solid_capstyle="round")
    for side in (-1, 0, 1):
        axes.plot([place, place + 0.06 * side], [0, -moment["roots"]], color="#efebe9", linewidth=1)
