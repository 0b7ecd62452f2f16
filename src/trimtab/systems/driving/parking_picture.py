"""A picture of the car park: bays, the one that is free, and the way that the car has taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab.systems.driving.bays import HALF_LENGTH, HALF_WIDTH
from trimtab.systems.driving.parking import RATE

_GROUND, _WALL, _LINE, _INK, _OWN, _FREE, _CRASHED = "#455a64", "#263238", "#cfd8dc", "#263238", "#ffb300", "#81c784", "#e53935"


def picture(env: Any) -> np.ndarray:
    """Return an image of shape (height, width, 3) of ``env``, a Parking."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.1), dpi=90, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.91))
    axes.set_facecolor(_GROUND)
    for lane in env.park.road.network.lanes_list():
        _draw_bay(axes, lane, free=bool((lane.position(lane.length / 2, 0) == env.bay[:2]).all()))
    for side in (-1, 1):
        axes.axhline(side * HALF_WIDTH, color=_WALL, linewidth=8)
        axes.axvline(side * HALF_LENGTH, color=_WALL, linewidth=8)
    axes.plot(*np.array(env.way).T, color=_OWN, linewidth=1.6, zorder=3)
    _draw_car(axes, env)
    axes.set(xlim=(-HALF_LENGTH, HALF_LENGTH), ylim=(HALF_WIDTH, -HALF_WIDTH), xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="box")
    state = "parked" if env.parked else "crashed" if env.car.crashed else f"{env.car.speed:.0f} m/s"
    figure.text(0.015, 0.945, f"second {env.steps / RATE:.1f}   ·   {state}", color=_INK, fontsize=12, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_bay(axes: Any, lane: Any, *, free: bool) -> None:
    half = lane.width_at(0) / 2
    corners = np.array([lane.position(*place) for place in ((0, -half), (lane.length, -half), (lane.length, half), (0, half))])
    if free:
        axes.fill(*corners.T, color=_FREE, alpha=0.55, linewidth=0, zorder=1)
        middle, end = lane.position(lane.length / 2, 0), lane.position(lane.length - 1, 0)
        axes.annotate("", end, middle, arrowprops={"arrowstyle": "->", "color": "white", "linewidth": 1.6}, zorder=2)
    axes.plot(*corners[[0, 1]].T, color=_LINE, linewidth=1.4, zorder=2)
    axes.plot(*corners[[2, 3]].T, color=_LINE, linewidth=1.4, zorder=2)


def _draw_car(axes: Any, env: Any) -> None:
    from matplotlib.patches import FancyBboxPatch
    from matplotlib.transforms import Affine2D

    car = env.car
    colour = _CRASHED if car.crashed else _OWN
    place = Affine2D().rotate(car.heading).translate(*car.position) + axes.transData
    style: Any = {"boxstyle": "round,pad=0.3", "facecolor": colour, "edgecolor": _INK, "zorder": 4}
    body = FancyBboxPatch((-car.LENGTH / 2 + 0.3, -car.WIDTH / 2 + 0.3), car.LENGTH - 0.6, car.WIDTH - 0.6, **style)
    glass = FancyBboxPatch((0.5, -0.5), 0.5, 1.0, boxstyle="round,pad=0.1", facecolor=_INK, edgecolor="none", zorder=5)
    for patch in (body, glass):
        patch.set_transform(place)
        axes.add_patch(patch)
