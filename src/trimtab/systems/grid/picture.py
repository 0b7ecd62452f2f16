"""A picture of the grid: lines by their load, substations that are split, and the highest load of the day so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab.systems.grid.days import MOMENTS, OUTAGE
from trimtab.systems.grid.room import Room

_INK, _GROUND, _LINE, _OUT, _SPLIT = "#37474f", "#f7f9fa", "#c62828", "#b0bec5", "#6a1b9a"
_GENERATOR, _LOAD = "#f9a825", "#1e88e5"
_HOURS = np.arange(MOMENTS) / 12


def picture(room: Room) -> np.ndarray:
    """Return an image of shape (height, width, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.6), dpi=100, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    plan, curve = figure.subplots(1, 2, width_ratios=(1.9, 1))
    places = {name: np.array(place) for name, place in room.grid.grid_layout.items()}
    _draw_lines(figure, plan, room, places)
    _draw_substations(plan, room, places)
    _draw_day(curve, room)
    hour, minute = divmod(5 * room.time, 60)
    state = "blackout" if room.broken else f"highest load {100 * room.log[-1].max():.0f} %"
    figure.suptitle(f"IEEE 14 buses   ·   {hour:02d}:{minute:02d}   ·   {state}", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_lines(figure: Any, axes: Any, room: Room, places: dict[str, np.ndarray]) -> None:
    from matplotlib.collections import LineCollection

    grid, loads, names = room.grid, room.log[-1], list(room.grid.name_sub)
    ends = np.stack([grid.line_or_to_subid, grid.line_ex_to_subid], axis=1)
    strokes = np.array([[places[names[sub]] for sub in pair] for pair in ends])
    out = loads <= 0
    axes.add_collection(LineCollection(list(strokes[out]), colors=_OUT, linewidths=1.5, linestyles="dashed", zorder=1))
    drawn = LineCollection(list(strokes[~out]), cmap="RdYlGn_r", linewidths=2 + 4 * np.minimum(loads[~out], 1.2), zorder=2)
    drawn.set_array(100 * loads[~out])
    drawn.set_clim(20, 110)
    axes.add_collection(drawn)
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.6, aspect=40, pad=0.02)
    bar.set_label("load of a line, % of its limit", fontsize=8, color=_INK)
    bar.ax.tick_params(labelsize=8, colors=_INK, length=0)
    bar.outline.set_visible(False)


def _draw_substations(axes: Any, room: Room, places: dict[str, np.ndarray]) -> None:
    grid, names = room.grid, list(room.grid.name_sub)
    busbars = np.split(grid.current_obs.topo_vect, np.cumsum(grid.sub_info)[:-1])
    points = np.array([places[name] for name in names])
    split = np.array([bool((on == 2).any()) for on in busbars])
    _mark(axes, points[np.unique(grid.load_to_subid)], _LOAD, 13, "load")
    _mark(axes, points[np.unique(grid.gen_to_subid)], _GENERATOR, 10, "generator")
    axes.plot(*points.T, "o", markersize=6.5, color=_INK, zorder=5)
    if split.any():
        axes.plot(*points[split].T, "D", markersize=9, color=_SPLIT, zorder=6, label="split in two")
    axes.legend(frameon=False, fontsize=8, loc="upper right", labelcolor=_INK)
    low, high = points.min(0), points.max(0)
    margin = 0.08 * (high - low)
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + 2 * margin[1]))
    axes.set(xticks=[], yticks=[], facecolor=_GROUND)
    axes.spines[:].set_visible(False)


def _mark(axes: Any, points: np.ndarray, colour: str, size: float, name: str) -> None:
    axes.plot(*points.T, "o", markersize=size, markeredgewidth=2.5, fillstyle="none", color=colour, zorder=4, label=name)


def _draw_day(axes: Any, room: Room) -> None:
    highest = 100 * np.array([loads.max() for loads in room.log])
    axes.plot(_HOURS[: len(highest)], highest, color=_LINE, linewidth=1.6)
    axes.axhline(100, color=_INK, linewidth=0.8, linestyle="dotted")
    for outage in room.scenario.outages:
        # what is still to come, nobody knows
        if outage.start <= room.time:
            axes.axvspan(outage.start / 12, (outage.start + OUTAGE) / 12, color=_OUT, alpha=0.35, linewidth=0)
    axes.set(xlim=(0, 24), ylim=(40, 160), xticks=range(0, 25, 6))
    axes.set_title("highest load, %, and lines that were lost", loc="left", fontsize=9, color=_INK)
    axes.set_xlabel("hour", fontsize=8, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
