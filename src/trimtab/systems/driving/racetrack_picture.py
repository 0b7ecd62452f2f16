"""A picture of the racetrack: the way that the own car has taken, and the other car."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab.systems.driving.racetrack import RATE, SECONDS

_ROAD, _GRASS, _LINE, _INK, _OWN, _OTHER = "#455a64", "#c5e1a5", "#eceff1", "#263238", "#ffb300", "#4fc3f7"


def picture(env: Any) -> np.ndarray:
    """Return an image of shape (height, width, 3) of ``env``, a Racetrack."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), dpi=90, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.91))
    axes.set_facecolor(_GRASS)
    for lane in env.traffic.road.network.lanes_list():
        _draw_lane(axes, lane)
    way = np.array(env.way)
    axes.plot(way[:, 0], way[:, 1], color=_OWN, linewidth=1.6, zorder=3)
    for car in env.traffic.road.vehicles:
        forward = 2.5 * np.array([np.cos(car.heading), np.sin(car.heading)])
        body = np.stack([car.position - forward, car.position + forward])
        axes.plot(*body.T, color=_OWN if car is env.car else _OTHER, linewidth=7, solid_capstyle="butt", zorder=4)
    axes.invert_yaxis()
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])
    words = f"second {env.steps / RATE:.1f} of {SECONDS}   ·   return {env.returned:.1f}"
    figure.text(0.015, 0.945, words, color=_INK, fontsize=12, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_lane(axes: Any, lane: Any) -> None:
    along, half = np.linspace(0, lane.length, 40), lane.width_at(0) / 2
    left, right = (np.array([lane.position(place, side) for place in along]) for side in (-half, half))
    outline = np.concatenate([left, right[::-1]])
    axes.fill(outline[:, 0], outline[:, 1], color=_ROAD, linewidth=0, zorder=1)
    for edge in (left, right):
        axes.plot(edge[:, 0], edge[:, 1], color=_LINE, linewidth=0.9, zorder=2)
