"""A picture of a job shop: the Gantt chart of what was done and what runs, with the jobs that wait."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab.systems.factory.shop import IDLE, Shop

_INK, _GRID, _REPAIR = "#22303c", "#dfe5ea", "#c0392b"


def picture(shop: Shop, bound: int) -> np.ndarray:
    """Return the picture as RGB, shape (height, width, 3); ``bound`` is drawn as a line that no schedule ends before."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.12, 0.76, 0.76))
    colours = colormaps["turbo"](np.linspace(0.05, 0.95, shop.instance.jobs))
    _draw_pieces(axes, shop, colours)
    _draw_now(axes, shop, bound)
    _draw_waiting(axes, shop, colours, max(shop.time * 1.03, bound * 1.3))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_pieces(axes: Any, shop: Shop, colours: Any) -> None:
    for piece in shop.pieces:
        if piece.job == IDLE:
            _draw_repair(axes, piece.machine, piece.start, piece.end)
        else:
            axes.barh(piece.machine, piece.end - piece.start, left=piece.start, height=0.8, color=colours[piece.job], lw=0)
    for machine, job in enumerate(shop.running):
        start = shop.started[machine]
        if job != IDLE:
            axes.barh(machine, shop.time - start, left=start, height=0.8, color=colours[job], lw=0)
            axes.barh(machine, shop.remaining(machine), left=shop.time, height=0.8, color=colours[job], alpha=0.3, lw=0)
        broken = shop.broken[machine]
        if broken is not None:
            _draw_repair(axes, machine, broken, shop.time)


def _draw_repair(axes: Any, machine: int, start: float, end: float) -> None:
    axes.barh(machine, end - start, left=start, height=0.3, color="white", edgecolor=_REPAIR, hatch="////", lw=0.8, zorder=3)


def _draw_now(axes: Any, shop: Shop, bound: int) -> None:
    done, operations = sum(shop.position), sum(map(len, shop.instance.machines))
    axes.axvline(shop.time, color=_INK, lw=1.2)
    axes.axvline(bound, color=_INK, lw=1, ls=":")
    axes.text(bound, -0.9, "lower bound", ha="center", va="bottom", fontsize=8, color=_INK)
    title = f"{shop.instance.name}: {done} of {operations} operations done at {shop.time:.0f}"
    if shop.breakdowns:
        title += f", {shop.breakdowns} breakdowns"
    axes.set_title(title, loc="left", fontsize=11, color=_INK, pad=18)
    axes.set_xlabel("time", color=_INK)
    axes.set_ylabel("machine", color=_INK)
    axes.set_yticks(range(shop.instance.stations))
    axes.set_yticklabels([str(machine + 1) for machine in range(shop.instance.stations)], fontsize=8)
    axes.set_ylim(shop.instance.stations - 0.4, -0.6)
    axes.grid(axis="x", color=_GRID, lw=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=_INK)


def _draw_waiting(axes: Any, shop: Shop, colours: Any, end: float) -> None:
    axes.set_xlim(0, end)
    axes.text(end * 1.01, -0.9, "waiting", fontsize=8, color=_INK, va="bottom")
    for machine, jobs in enumerate(shop.waiting):
        for place, job in enumerate(jobs):
            axes.plot(end * (1.02 + 0.02 * place), machine, "s", color=colours[job], ms=8, clip_on=False)
