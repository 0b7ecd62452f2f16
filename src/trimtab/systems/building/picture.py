"""A picture of a week in a building: the zones on their plan, and temperatures and energy to this hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trimtab.systems.building.engine import Reading
from trimtab.systems.building.model import OUTDOOR_CO2, Building

_INK, _BAND, _OUTDOOR, _GAS, _ELECTRICITY, _PEOPLE = "#37474f", "#e8f5e9", "#78909c", "#ef6c00", "#1e88e5", "#cfd8dc"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WIDTH, _DEPTH, _EDGE = 27.7, 18.4, 5.0
"""Metres of the small office, and how deep the zones along its walls are."""
_COLDEST, _WARMEST = 14.0, 32.0
"""Degrees at which the colours end."""


def picture(building: Building, log: Sequence[Reading], band: tuple[float, float]) -> np.ndarray:
    """Return an image of shape (height, width, 3) of the readings ``log`` of a week; ``band``: where people are at ease."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.4), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(5, 2, width_ratios=(1, 1.7))
    _draw_plan(figure.add_subplot(grid[:, 0]), log[-1])
    _draw_temperatures(figure.add_subplot(grid[:3, 1]), log, band)
    _draw_energy(figure.add_subplot(grid[3:, 1]), building, log)
    day, hour = divmod(len(log) - 1, 24)
    used = sum(reading.electricity + reading.gas for reading in log)
    figure.suptitle(f"{_DAYS[day % 7]} {hour:02d}:00   ·   {used:.0f} kWh so far", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_plan(axes: Any, reading: Reading) -> None:
    """Draw the zones from above, each in the colour of its temperature: core, south, east, north, west."""
    from matplotlib import colormaps
    from matplotlib.patches import Polygon

    for corners, (x, y), degrees in zip(*_plan(), reading.zones.tolist(), strict=False):
        warmth = (degrees - _COLDEST) / (_WARMEST - _COLDEST)
        axes.add_patch(Polygon(corners, facecolor=colormaps["RdYlBu_r"](warmth), edgecolor="white", linewidth=3))
        axes.text(x, y, f"{degrees:.1f}°", ha="center", va="center", color=_INK, fontsize=11, fontweight="bold")
    told = reading.set_points
    below = (
        f"heat to {told.heating:.1f}°   ·   cool to {told.cooling:.1f}°   ·   fresh air {100 * told.fresh:.0f} %\n"
        f"outdoors {reading.outdoor:.0f}°   ·   CO₂ {reading.stale[-1].mean() + OUTDOOR_CO2:.0f} ppm"
    )
    axes.text(_WIDTH / 2, -2.2, below, ha="center", va="top", color=_INK, fontsize=10)
    axes.text(
        _WIDTH / 2, _DEPTH + 1, f"{100 * reading.share_in:.0f} % of the people are in", ha="center", color=_INK, fontsize=10
    )
    axes.set(xlim=(-0.5, _WIDTH + 0.5), ylim=(-7, _DEPTH + 3), aspect="equal")
    axes.axis("off")


def _plan() -> tuple[list[list[tuple[float, float]]], list[tuple[float, float]]]:
    """Return the corners of the zones, and where their temperatures are written."""
    width, depth, edge = _WIDTH, _DEPTH, _EDGE
    outer = [(0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth)]
    inner = [(edge, edge), (width - edge, edge), (width - edge, depth - edge), (edge, depth - edge)]
    walls = [[outer[side], outer[(side + 1) % 4], inner[(side + 1) % 4], inner[side]] for side in range(4)]
    middle = edge / 2
    texts = [(width / 2, middle), (width - middle, depth / 2), (width / 2, depth - middle), (middle, depth / 2)]
    return [inner, *walls], [(width / 2, depth / 2), *texts]


def _draw_temperatures(axes: Any, log: Sequence[Reading], band: tuple[float, float]) -> None:
    zones = np.array([reading.zones for reading in log])
    axes.axhspan(*band, color=_BAND)
    axes.fill_between(range(len(log)), zones.min(1), zones.max(1), color="#c62828", alpha=0.25, linewidth=0)
    axes.plot(zones.mean(1), color="#c62828", linewidth=1.8, label="zones")
    axes.plot([reading.outdoor for reading in log], color=_OUTDOOR, linewidth=1.2, label="outdoors")
    for name in ("heating", "cooling"):
        line = [getattr(reading.set_points, name) for reading in log]
        axes.step(
            range(len(log)), line, color=_INK, linewidth=0.9, linestyle=":", label="set points" if name == "heating" else None
        )
    axes.legend(frameon=False, fontsize=8, loc="upper right", ncols=3, labelcolor=_INK)
    lowest = min(12.0, min(reading.outdoor for reading in log) - 2)
    _frame(axes, "°C, and where people are at ease", (lowest, max(36.0, max(reading.outdoor for reading in log) + 4)))


def _draw_energy(axes: Any, building: Building, log: Sequence[Reading]) -> None:
    hours = np.arange(len(log))
    gas, electricity = (np.array([getattr(reading, name) for reading in log]) for name in ("gas", "electricity"))
    top = max(10.0, 1.2 * float((gas + electricity).max()))
    people = [top * building.share_in(hour) for hour in range(24 * len(_DAYS))]
    axes.fill_between(range(len(people)), people, step="post", color=_PEOPLE, alpha=0.5, linewidth=0, label="people")
    axes.bar(hours, electricity, color=_ELECTRICITY, width=1.0, label="electricity")
    axes.bar(hours, gas, bottom=electricity, color=_GAS, width=1.0, label="gas")
    axes.legend(frameon=False, fontsize=8, loc="upper right", ncols=3, labelcolor=_INK)
    _frame(axes, "kWh an hour", (0.0, top))


def _frame(axes: Any, title: str, limits: tuple[float, float]) -> None:
    axes.set(xlim=(0, 24 * len(_DAYS)), ylim=limits)
    axes.set_xticks(range(0, 24 * len(_DAYS), 24), _DAYS, ha="left")
    axes.set_title(title, loc="left", fontsize=9, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
