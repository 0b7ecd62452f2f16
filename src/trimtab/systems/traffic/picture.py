"""A picture of the roads: lanes, signals in their colours, vehicles from red (standing) to green, and the delay so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trimtab.systems.sumo import Sumo
from trimtab.systems.traffic.places import Place
from trimtab.systems.traffic.signal import Signal

_INK, _ROAD, _GROUND, _LINE = "#37474f", "#b0bec5", "#f7f9fa", "#c62828"
_LIGHTS = {"G": "#2e7d32", "g": "#81c784", "y": "#f9a825", "r": "#c62828", "s": "#78909c"}
_FAST = 13.9
"""Metres a second that are drawn in full green."""
_DECISION = 5


def picture(place: Place, run: Sumo, signals: Mapping[str, Signal], delays: Sequence[float], now: float) -> np.ndarray:
    """Return an image of shape (height, width, 3). ``delays``: seconds a vehicle that each decision has cost."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.6), dpi=100, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    roads, curve = figure.subplots(1, 2, width_ratios=(2.2, 1))
    shapes = {lane: np.array(run.api.lane.getShape(lane)) for lane in run.api.lane.getIDList()}
    _draw_roads(roads, shapes)
    _draw_vehicles(roads, run, _extent(shapes))
    _draw_lights(roads, run, signals, shapes, _extent(shapes))
    _draw_delay(curve, place, delays)
    hour, minute = divmod(int(now) // 60, 60)
    clock, count = f"{hour:02d}:{minute:02d}:{int(now) % 60:02d}", run.api.vehicle.getIDCount()
    figure.suptitle(f"{place.name}   ·   {clock}   ·   {count} vehicles on the road", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _extent(shapes: Mapping[str, np.ndarray]) -> float:
    points = np.concatenate(list(shapes.values()))
    return float((points.max(0) - points.min(0)).max())


def _draw_roads(axes: Any, shapes: Mapping[str, np.ndarray]) -> None:
    from matplotlib.collections import LineCollection

    width = float(np.clip(1100 / _extent(shapes), 1.2, 5.0))
    axes.add_collection(LineCollection(list(shapes.values()), colors=_ROAD, linewidths=width, capstyle="round", zorder=1))
    axes.set_facecolor(_GROUND)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _draw_vehicles(axes: Any, run: Sumo, extent: float) -> None:
    """Draw each vehicle as a stroke from its front backwards."""
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    vehicle, length = run.api.vehicle, max(5.0, extent / 120)
    names = vehicle.getIDList()
    if not names:
        return
    fronts = np.array([vehicle.getPosition(name) for name in names])
    angles = np.radians([vehicle.getAngle(name) for name in names])
    backs = fronts - length * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    speeds = np.array([vehicle.getSpeed(name) for name in names])
    colours = colormaps["RdYlGn"](np.clip(speeds / _FAST, 0.03, 0.97))
    axes.add_collection(LineCollection(list(np.stack([backs, fronts], axis=1)), colors=colours, linewidths=2.6, zorder=3))


def _draw_lights(axes: Any, run: Sumo, signals: Mapping[str, Signal], shapes: Mapping[str, np.ndarray], extent: float) -> None:
    """Draw at the end of each lane the best light of its links."""
    size = float(np.clip(7000 / extent, 7, 36))
    for name, signal in signals.items():
        state, shown = run.api.trafficlight.getRedYellowGreenState(name), dict[str, str]()
        for (lane, _), letter in zip(signal.junction.links, state, strict=True):
            shown[lane] = min(shown.get(lane, "s"), letter, key="Ggyrs".index)
        ends = np.array([shapes[lane][-1] for lane in shown])
        axes.scatter(ends[:, 0], ends[:, 1], s=size, c=[_LIGHTS[letter] for letter in shown.values()], zorder=4, linewidths=0)


def _draw_delay(axes: Any, place: Place, delays: Sequence[float]) -> None:
    minutes = np.arange(1, len(delays) + 1) * _DECISION / 60
    total = np.cumsum(delays) if delays else np.zeros(0)
    axes.fill_between(minutes, total, color=_LINE, alpha=0.15, linewidth=0)
    axes.plot(minutes, total, color=_LINE, linewidth=1.8)
    axes.set(xlim=(0, place.horizon / 60), ylim=(0, max(20.0, 1.3 * float(total[-1]) if delays else 0.0)))
    axes.set_title("delay so far, s a vehicle", loc="left", fontsize=9, color=_INK)
    axes.set_xlabel("minutes", fontsize=8, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
