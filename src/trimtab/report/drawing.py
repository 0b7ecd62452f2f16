"""Panels of lines, dots and words, drawn by matplotlib or by plotly."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from trimtab.errors import MissingExtraError, StudyError

ACCENT, FAINT, RAMP = "#056581", "#b7c0c4", ("#056581", "#287a94", "#6ea2b5", "#b3c9d2", "#d3dade")
Figure: TypeAlias = Any
"""A ``matplotlib.figure.Figure`` or a ``plotly.graph_objects.Figure``: both are optional, so neither is named here."""


@dataclass(frozen=True, slots=True)
class Lines:
    points: tuple[tuple[float, float], ...]
    bold: bool
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """``shades``: one number a dot, low ones dark; empty for one colour. ``labels``: one text a dot."""

    points: tuple[tuple[float, float], ...]
    shades: tuple[float, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """``labels``: what stands at the vertical axis instead of numbers. ``downward``: the vertical axis grows downwards."""

    title: str
    across: str
    up: str
    parts: tuple[Lines | Dots | Text, ...]
    log: bool = False
    downward: bool = False
    labels: tuple[tuple[float, str], ...] = ()


def draw(panels: Sequence[Panel], *, columns: int, backend: str) -> Figure:
    """Return ``panels`` in rows of ``columns`` as one figure of ``backend``."""
    backends = {"matplotlib": _matplotlib, "plotly": _plotly}
    if backend not in backends:
        raise StudyError(f"backend: expected one of {', '.join(backends)}, got {backend!r}")
    columns = min(columns, len(panels))
    return backends[backend](panels, columns, math.ceil(len(panels) / columns))


def _load(module: str) -> Any:  # a module without types that is optional
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise MissingExtraError(f"figures need {package}: pip install 'trimtab[plot]'") from None


def _matplotlib(panels: Sequence[Panel], columns: int, rows: int) -> Figure:
    ramp = _load("matplotlib.colors").LinearSegmentedColormap.from_list("trimtab", RAMP)
    from trimtab.report.notebook_figure import NotebookFigure

    # made directly, not by pyplot: it belongs to nobody else and needs no closing
    figure = NotebookFigure(figsize=(4.0 * columns + 1, 2.6 * rows + 0.6), layout="constrained")
    for axes, panel in zip(figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False):
        for part in panel.parts:
            _matplotlib_part(axes, part, ramp)
        axes.set_title(panel.title, loc="left", fontsize=10, parse_math=False)
        axes.set(xlabel=panel.across, ylabel=panel.up)
        axes.spines[["top", "right"]].set_visible(False)
        if panel.log and _positive(panel):
            axes.set_yscale("log")
        if panel.labels:
            axes.set_yticks([place for place, _ in panel.labels], [label for _, label in panel.labels], parse_math=False)
            axes.set_ylim(-0.5, len(panel.labels) - 0.5)
        if panel.downward:
            axes.invert_yaxis()
    for axes in figure.axes[len(panels) :]:
        axes.set_visible(False)
    return figure


def _matplotlib_part(axes: Any, part: Lines | Dots | Text, ramp: Any) -> None:  # untyped objects of matplotlib
    match part:
        case Lines(points, bold, faint):
            across, up = zip(*points, strict=True) if points else ((), ())
            axes.plot(across, up, color=FAINT if faint else ACCENT, linewidth=2.2 if bold else 1.0, zorder=3 if bold else 2)
        case Dots(points, shades, _):
            across, up = zip(*points, strict=True) if points else ((), ())
            shade = {"c": shades, "cmap": ramp} if shades else {"color": ACCENT}
            axes.scatter(across, up, s=26, zorder=4, edgecolors="white", linewidths=0.6, **shade)
        case Text(x, y, text):
            axes.annotate(text, (x, y), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8, color=ACCENT)


def _plotly(panels: Sequence[Panel], columns: int, rows: int) -> Figure:
    titles = [panel.title.replace("&", "&amp;").replace("<", "&lt;") for panel in panels]
    figure = _load("plotly.subplots").make_subplots(rows=rows, cols=columns, subplot_titles=titles)
    objects = _load("plotly.graph_objects")
    for number, panel in enumerate(panels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        for part in panel.parts:
            figure.add_trace(_plotly_part(objects, part), **place)
        figure.update_xaxes(title_text=panel.across, **place)
        figure.update_yaxes(title_text=panel.up, type="log" if panel.log and _positive(panel) else "linear", **place)
        if panel.labels:
            tick = {"tickvals": [at for at, _ in panel.labels], "ticktext": [label for _, label in panel.labels]}
            figure.update_yaxes(range=[-0.5, len(panel.labels) - 0.5], **tick, **place)
        if panel.downward:
            figure.update_yaxes(autorange="reversed", **place)
    figure.update_layout(showlegend=False, height=240 * rows + 120, template="plotly_white")
    return figure


def _plotly_part(objects: Any, part: Lines | Dots | Text) -> Any:  # untyped objects of plotly
    match part:
        case Lines(points, bold, faint):
            line = {"color": FAINT if faint else ACCENT, "width": 3 if bold else 1.2}
            return objects.Scatter(
                x=[x for x, _ in points], y=[y for _, y in points], mode="lines", line=line, hoverinfo="skip"
            )
        case Dots(points, shades, labels):
            marker: dict[str, Any] = {"size": 8, "color": list(shades) or ACCENT, "line": {"width": 1, "color": "white"}}
            if shades:
                marker["colorscale"] = [[index / (len(RAMP) - 1), color] for index, color in enumerate(RAMP)]
            return objects.Scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                mode="markers",
                marker=marker,
                text=list(labels),
                hoverinfo="text",
            )
        case Text(x, y, text):
            return objects.Scatter(x=[x], y=[y], mode="text", text=[text], textposition="top center", hoverinfo="skip")


def _positive(panel: Panel) -> bool:
    heights = [y for part in panel.parts if isinstance(part, Lines) for _, y in part.points if math.isfinite(y)]
    return bool(heights) and min(heights) > 0
