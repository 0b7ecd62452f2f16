"""A picture of roads: vehicles by how fast they go, and what the signals show at the end of each lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trimtab.systems.sumo import Sumo
from trimtab.systems.traffic.places import Place
from trimtab.systems.traffic.signal import Signal

_INK, _ROAD = "#263238", "#cfd8dc"
_LIGHTS = {"G": "#2e7d32", "g": "#81c784", "y": "#fbc02d", "Y": "#fbc02d"}
_RED = "#d32f2f"
_FREE = 14.0
"""Metres a second of a vehicle that nothing holds up."""
_AROUND = 220.0
"""Metres around the junctions that are shown."""


def picture(place: Place, run: Sumo, signals: Mapping[str, Signal], delays: Sequence[float], now: float) -> np.ndarray:
    """Return the picture as RGB, shape (height, width, 3). ``delays``: seconds a vehicle that each step has added."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_roads(axes, run)
    ends = _draw_lights(axes, run, signals)
    count = _draw_vehicles(axes, run)
    low, high = ends.min(axis=0) - _AROUND, ends.max(axis=0) + _AROUND
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    axes.set_axis_off()
    clock = f"{int(now) // 3600}:{int(now) // 60 % 60:02d}"
    words = f"{place.name}, {clock}   ·   {count} vehicles   ·   {sum(delays):.0f} s of delay a vehicle"
    figure.suptitle(words, color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_roads(axes: Any, run: Sumo) -> None:
    lane = run.api.lane
    for name in lane.getIDList():
        axes.plot(*np.array(lane.getShape(name)).T, color=_ROAD, linewidth=2.5, zorder=1)


def _draw_lights(axes: Any, run: Sumo, signals: Mapping[str, Signal]) -> np.ndarray:
    """Draw what each link shows where its lane ends, and return these places, shape (links, 2)."""
    ends: list[tuple[float, float]] = []
    for name, signal in signals.items():
        state = run.api.trafficlight.getRedYellowGreenState(name)
        # where links of a lane differ, the greenest is drawn last
        for letter, (before, _) in sorted(zip(state, signal.junction.links, strict=True), key=lambda link: link[0] in _LIGHTS):
            ends.append(run.api.lane.getShape(before)[-1])
            axes.plot(*ends[-1], "s", color=_LIGHTS.get(letter, _RED), markersize=5, zorder=3)
    return np.array(ends)


def _draw_vehicles(axes: Any, run: Sumo) -> int:
    vehicle = run.api.vehicle
    names = vehicle.getIDList()
    if names:
        places = np.array([vehicle.getPosition(name) for name in names])
        speeds = [vehicle.getSpeed(name) for name in names]
        axes.scatter(*places.T, c=speeds, cmap="RdYlBu", vmin=0, vmax=_FREE, s=16, edgecolors=_INK, linewidths=0.4, zorder=2)
    return len(names)
