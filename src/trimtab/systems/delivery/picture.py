"""A picture of a fleet: a map with the tours that are driven and planned, and the day of each vehicle below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trimtab.systems.delivery.day import CLOSING, Order
from trimtab.systems.delivery.fleet import Fleet

_INK, _PALE, _LATE, _DONE = "#263238", "#eceff1", "#d32f2f", "#b0bec5"


def picture(fleet: Fleet, taken: int) -> np.ndarray:
    """Return the picture as RGB, shape (height, width, 3); ``taken``: the number of orders that came in so far."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    colours = [colormaps["tab10"](index % 10) for index in range(len(fleet.routes))]
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1))
    _draw_map(figure.add_subplot(grid[0, 0]), fleet, taken, colours)
    _draw_days(figure.add_subplot(grid[0, 1]), fleet, colours)
    driven, late = sum(done.tour.driving for done in fleet.tours), sum(done.tour.lateness for done in fleet.tours)
    clock = f"{8 + int(fleet.time) // 60}:{int(fleet.time) % 60:02d}"
    figure.suptitle(
        f"{clock}   ·   {taken} orders   ·   {driven:.0f} minutes driven, {late:.0f} late",
        color=_INK,
        fontweight="bold",
    )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_map(axes: Any, fleet: Fleet, taken: int, colours: Sequence[Any]) -> None:
    size = fleet.day.town.size
    for done in fleet.tours:
        on_tour = done.tour.end > fleet.time
        _draw_route(axes, fleet.depot(done.vehicle), done.route, colours[done.vehicle] if on_tour else _DONE, on_tour=on_tour)
    for vehicle, route in enumerate(fleet.routes):
        _draw_route(axes, fleet.depot(vehicle), route, colours[vehicle], planned=True)
    for depot in fleet.day.town.depots:
        axes.plot(*depot, "s", color=_INK, ms=11, zorder=5)
    new = [order.place for order in fleet.day.orders[taken : taken + 1] if order.arrival <= fleet.time]
    for place in new:
        axes.plot(*place, "*", color="#f9a825", ms=17, mec=_INK, mew=0.8, zorder=6)
    axes.set(xlim=(0, size), ylim=(0, size), xticks=[], yticks=[], aspect="equal", facecolor="#fafafa")
    axes.set_title("on tour (lines), planned (dashed), done (grey)", loc="left", fontsize=9, color=_INK)
    for side in axes.spines.values():
        side.set_color(_PALE)


def _draw_route(
    axes: Any, depot: tuple[float, float], route: Sequence[Order], colour: Any, *, planned: bool = False, on_tour: bool = False
) -> None:
    if not route:
        return
    points = np.array([depot, *(order.place for order in route), depot])
    if planned or on_tour:
        axes.plot(points[:, 0], points[:, 1], "--" if planned else "-", color=colour, lw=1.2 if planned else 2, alpha=0.85)
    axes.scatter(
        points[1:-1, 0],
        points[1:-1, 1],
        s=34 if planned or on_tour else 14,
        color="white" if planned else colour,
        edgecolor=colour,
        zorder=4,
    )


def _draw_days(axes: Any, fleet: Fleet, colours: Sequence[Any]) -> None:
    minutes = np.arange(0, CLOSING + 1, 5)
    traffic = np.array([fleet.day.traffic(float(minute)) for minute in minutes])
    axes.fill_between(minutes, -0.6 - 0.7 * (traffic - 1), -0.6, color="#ffe0b2", lw=0)
    axes.text(0, -0.65, "traffic", fontsize=8, color="#ef6c00", va="bottom")
    for done in fleet.tours:
        axes.barh(
            done.vehicle, done.tour.end - done.start, left=done.start, height=0.55, color=colours[done.vehicle], alpha=0.75
        )
        for order, stop in zip(done.route, done.tour.stops, strict=True):
            axes.plot(stop, done.vehicle, "o", color=_LATE if stop > order.latest else "white", ms=4)
    axes.axvline(fleet.time, color=_INK, lw=1.2)
    count = len(fleet.routes)
    end = max(CLOSING, *fleet.back) + 10
    axes.set(xlim=(-5, end), ylim=(count - 0.4, -1.5), yticks=range(count), xticks=range(0, int(end), 120))
    axes.set_yticklabels([f"vehicle {vehicle + 1}" for vehicle in range(count)])
    axes.set_xticklabels([f"{8 + minute // 60} h" for minute in range(0, int(end), 120)])
    axes.set_title("tours; stops in time (white) and late (red)", loc="left", fontsize=9, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
