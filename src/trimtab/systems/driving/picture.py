"""A picture of the road around the own car: lanes, cars and where they head, and what the episode came to so far."""

from __future__ import annotations

from typing import Any

import numpy as np

_ROAD, _GRASS, _LINE, _INK = "#455a64", "#c5e1a5", "#eceff1", "#263238"
_OWN, _SLOW, _FAST, _CRASHED = "#ffb300", "#4fc3f7", "#81c784", "#e53935"
_BEHIND, _AHEAD = 35.0, 105.0
"""Metres that are shown of a straight road, along it,"""
_MIDDLE, _ASIDE = 5.0, 18.0
"""and across."""
_ROUND = 65.0
"""Metres that are shown to all sides of a roundabout."""


def picture(env: Any) -> np.ndarray:
    """Return an image of shape (height, width, 3) of ``env``, a Driving."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.4) if env.course.straight else (7, 7), dpi=90, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.02, 0.98, 0.84))
    axes.set_facecolor(_GRASS)
    for lane in env.traffic.road.network.lanes_list():
        _draw_lane(axes, lane, env.car.position)
    for other in [*env.traffic.road.objects, *env.traffic.road.vehicles]:
        _draw_car(axes, other, own=other is env.car, fastest=env.course.fastest)
    _frame(axes, env)
    figure.text(0.015, 0.91, _caption(env), color=_INK, fontsize=12, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _caption(env: Any) -> str:
    state = "crashed" if env.car.crashed else f"{env.car.speed:.0f} m/s"
    return f"second {env.elapsed}   ·   {state}   ·   return {env.returned:.1f} of {env.course.most}"


def _draw_lane(axes: Any, lane: Any, here: np.ndarray) -> None:
    """Draw the part of a lane that is near; long straight ones go on for kilometres."""
    middle = lane.local_coordinates(here)[0]
    along = np.arange(max(0.0, middle - 150.0), min(lane.length, middle + 150.0) + 1.0, 1.5)
    if not len(along):
        return
    half = lane.width_at(0) / 2
    left, right = (np.array([lane.position(place, side) for place in along]) for side in (-half, half))
    outline = np.concatenate([left, right[::-1]])
    axes.fill(outline[:, 0], outline[:, 1], color=_ROAD, linewidth=0, zorder=1)
    for kind, edge in zip(lane.line_types, (left, right), strict=True):
        if kind:
            style = (0, (6, 6)) if kind == 1 else "solid"
            axes.plot(edge[:, 0], edge[:, 1], color=_LINE, linewidth=1.6, linestyle=style, zorder=2)


def _draw_car(axes: Any, car: Any, *, own: bool, fastest: float) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import FancyBboxPatch
    from matplotlib.transforms import Affine2D

    blend = LinearSegmentedColormap.from_list("speed", [_SLOW, _FAST])
    colour = _CRASHED if car.crashed else _OWN if own else blend(np.clip(car.speed / fastest, 0.5, 1) * 2 - 1)
    place = Affine2D().rotate(car.heading).translate(*car.position) + axes.transData
    length, width = car.LENGTH, car.WIDTH
    shape = (-length / 2 + 0.3, -width / 2 + 0.3)
    style: Any = {"boxstyle": "round,pad=0.3", "facecolor": colour, "edgecolor": _INK, "zorder": 4}
    body = FancyBboxPatch(shape, length - 0.6, width - 0.6, **style)
    body.set_transform(place)
    axes.add_patch(body)
    if length > width:
        glass = FancyBboxPatch((0.3, -0.6), 0.6, 1.2, boxstyle="round,pad=0.1", facecolor=_INK, edgecolor="none", zorder=5)
        glass.set_transform(place)
        axes.add_patch(glass)
        ahead = car.position + car.velocity * 0.6
        axes.plot([car.position[0], ahead[0]], [car.position[1], ahead[1]], color=colour, linewidth=2, alpha=0.6, zorder=3)


def _frame(axes: Any, env: Any) -> None:
    """Show the stretch around the own car; a picture has its y axis downwards, as highway-env has."""
    if env.course.straight:
        x = env.car.position[0]
        axes.set(xlim=(x - _BEHIND, x + _AHEAD), ylim=(_MIDDLE + _ASIDE, _MIDDLE - _ASIDE))
    else:
        axes.set(xlim=(-_ROUND, _ROUND), ylim=(_ROUND, -_ROUND))
    axes.set_aspect("equal", adjustable="box")
    axes.set(xticks=[], yticks=[])
