"""A picture of the road: its lanes and who is on them, how many each direction has had, who came, and the delay so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trimtab.systems.lanes.road import DIRECTIONS, LANES, LENGTHS, LIMIT, MOST, PARTS, Road
from trimtab.systems.lanes.tide import HORIZON
from trimtab.systems.sumo import Sumo

_INK, _ROAD, _SHUT, _DELAY = "#37474f", "#eceff1", "#ffcdd2", "#c62828"
_COLOURS = {"east": "#1e88e5", "west": "#ef6c00"}


def picture(run: Sumo, road: Road, log: Sequence[Mapping[str, float]], now: float) -> np.ndarray:
    """Return an image of shape (height, width, 3). ``log``: an entry a minute."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 5.6), dpi=100, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.1))
    _draw_road(figure.add_subplot(grid[0, :]), run, road)
    _draw_lanes(figure.add_subplot(grid[1, 0]), log)
    _draw_delay(figure.add_subplot(grid[1, 1]), log)
    hour, minute = divmod(int(now) // 60, 60)
    lanes = f"{road.open['east']} lanes east, {road.open['west']} west"
    state = f"{lanes}, one is turned round" if road.turning else lanes
    figure.suptitle(f"{hour}:{minute:02d} h   ·   {state}", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_road(axes: Any, run: Sumo, road: Road) -> None:
    """Draw the five lanes of the road, and the four of each direction before and behind it, beside them."""
    from matplotlib.patches import Rectangle

    length = LENGTHS["road"]
    for place in range(LANES):
        east, west = road.open["east"] > place, road.open["west"] > LANES - 1 - place
        colour = _COLOURS["east"] if east else _COLOURS["west"] if west else _SHUT
        axes.add_patch(Rectangle((0, place), length, 0.92, facecolor=colour, alpha=0.18 if east or west else 1.0, linewidth=0))
    for direction in DIRECTIONS:
        for part in ("in", "out"):
            start, height = _origin(direction, part)
            axes.add_patch(Rectangle((start, height), LENGTHS[part], MOST - 0.08, facecolor=_ROAD, linewidth=0))
        _draw_vehicles(axes, run, direction)
        side = -LENGTHS["in"] + 10 if direction == "east" else length + LENGTHS["in"] - 10
        align = "left" if direction == "east" else "right"
        height = _origin(direction, "in")[1] + (MOST + 0.25 if direction == "west" else -0.9)
        axes.text(side, height, f"to the {direction}", color=_COLOURS[direction], fontsize=9, ha=align)
    axes.set(xlim=(-LENGTHS["in"], length + LENGTHS["in"]), ylim=(-3.4, LANES + 3.4))
    axes.axis("off")


def _origin(direction: str, part: str) -> tuple[float, float]:
    """Return where the stretch before or behind the road begins: its left end, and its lower edge in lanes."""
    left = (direction == "east") == (part == "in")
    start = -LENGTHS[part] if left else LENGTHS["road"]
    return start, -2.2 if direction == "east" else LANES + 2.2 - MOST


def _draw_vehicles(axes: Any, run: Sumo, direction: str) -> None:
    from matplotlib import colormaps

    found = list[tuple[float, float, float]]()
    for part in PARTS:
        for lane in range(MOST):
            for name in run.api.lane.getLastStepVehicleIDs(f"{direction}-{part}_{lane}"):
                found.append(
                    (*_place(direction, part, lane, run.api.vehicle.getLanePosition(name)), run.api.vehicle.getSpeed(name))
                )
    if found:
        x, y, speeds = np.array(found).T
        colours = colormaps["RdYlGn"](np.clip(speeds / LIMIT, 0.03, 0.97))
        axes.scatter(
            x, y, s=9, c=colours, marker=">" if direction == "east" else "<", linewidths=0.3, edgecolors=_INK, zorder=3
        )


def _place(direction: str, part: str, lane: int, position: float) -> tuple[float, float]:
    """Return where a vehicle is drawn: metres from the west end of the road, and lanes from its southern edge."""
    offset = {"in": -LENGTHS["in"], "road": 0.0, "out": LENGTHS["road"]}[part] + position
    x = offset if direction == "east" else LENGTHS["road"] - offset
    if part == "road":
        return x, lane + 0.46 if direction == "east" else LANES - 1 - lane + 0.46
    bottom = _origin(direction, part)[1]
    return x, bottom + lane + 0.46 if direction == "east" else bottom + MOST - 1 - lane + 0.46


def _draw_lanes(axes: Any, log: Sequence[Mapping[str, float]]) -> None:
    minutes = np.arange(len(log))
    for direction in DIRECTIONS:
        flow = np.array([entry[f"{direction} flow"] for entry in log]) / 1000
        axes.plot(minutes, flow, color=_COLOURS[direction], alpha=0.35, linewidth=1)
        lanes = [entry[direction] for entry in log]
        axes.step(minutes, lanes, where="post", color=_COLOURS[direction], linewidth=2, label=f"lanes to the {direction}")
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper left", labelcolor=_INK)
    _frame(axes, "lanes, and thousand vehicles an hour that came (thin)", (0, 7.5))


def _draw_delay(axes: Any, log: Sequence[Mapping[str, float]]) -> None:
    total = np.cumsum([entry["delay"] for entry in log]) if log else np.zeros(0)
    axes.fill_between(np.arange(len(log)), total, color=_DELAY, alpha=0.15, linewidth=0)
    axes.plot(np.arange(len(log)), total, color=_DELAY, linewidth=1.8)
    _frame(axes, "delay so far, s a vehicle", (0, max(20.0, 1.3 * float(total[-1]) if log else 0.0)))


def _frame(axes: Any, title: str, limits: tuple[float, float]) -> None:
    axes.set(xlim=(0, HORIZON / 60), ylim=limits)
    axes.set_title(title, loc="left", fontsize=9, color=_INK)
    axes.set_xlabel("minutes", fontsize=8, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
