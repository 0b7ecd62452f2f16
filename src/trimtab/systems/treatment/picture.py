"""A picture of a day of a virtual patient: glucose within its bounds, meals, and the insulin that was given."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab.systems.treatment.day import MINUTES, Day

_INK, _IN_RANGE, _GLUCOSE, _SENSOR, _MEAL, _BOLUS, _BASAL = (
    "#37474f", "#e8f5e9", "#1e88e5", "#b0bec5", "#ef6c00", "#6a1b9a", "#ab47bc")  # fmt: skip
_LOW, _HIGH = 70.0, 180.0
_HOURS = np.arange(MINUTES + 1) / 60


def picture(day: Day) -> np.ndarray:
    """Return an image of shape (height, width, 3) of the day so far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=100, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    glucose, insulin = figure.subplots(2, 1, height_ratios=(2.4, 1))
    _draw_glucose(glucose, day)
    _draw_insulin(insulin, day)
    course = np.array(day.glucose) if day.glucose else np.array(day.readings)
    inside = 100 * float(((course >= _LOW) & (course <= _HIGH)).mean())
    hour, minute = divmod(day.minute, 60)
    clock = f"{hour:02d}:{minute:02d}"
    figure.suptitle(f"{day.patient.name}   ·   {clock}   ·   {inside:.0f} % in range so far", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw_glucose(axes: Any, day: Day) -> None:
    top = max(300.0, 1.1 * max(day.readings))
    axes.axhspan(_LOW, _HIGH, color=_IN_RANGE)
    axes.plot(_HOURS[: len(day.readings) : 3], day.readings[::3], ".", markersize=3, color=_SENSOR, label="sensor")
    course = np.array(day.glucose)
    hours = _HOURS[1 : len(course) + 1]
    axes.plot(hours, course, color=_GLUCOSE, linewidth=1.8, label="glucose")
    axes.plot(hours, np.where(course < _LOW, course, np.nan), color="#c62828", linewidth=2.6)
    for meal in day.meals:
        if meal.minute < day.minute:
            axes.axvline(meal.minute / 60, color=_MEAL, linewidth=0.8, linestyle="dotted")
            axes.text(meal.minute / 60 + 0.08, 0.97 * top, f"{meal.grams:.0f} g", color=_MEAL, fontsize=8, va="top")
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(-0.01, 1.0), labelcolor=_INK)
    _frame(axes, "mg/dL", (20, top))


def _draw_insulin(axes: Any, day: Day) -> None:
    """Draw the rate that was given, and the boluses as stems on an axis of their own."""
    given = np.array(day.insulin)
    for minute, _ in day.boluses:
        given[minute] = given[minute - 1] if minute else day.patient.basal
    rate = 60 * given
    axes.fill_between(_HOURS[: len(rate)], rate, step="post", color=_BASAL, alpha=0.35, linewidth=0)
    axes.axhline(60 * day.patient.basal, color=_BASAL, linewidth=0.9, linestyle="dotted")
    _frame(axes, "basal, U/h", (0, max(4 * 60 * day.patient.basal, 1.1 * float(rate.max(initial=0.0)))))
    if day.boluses:
        beside = axes.twinx()
        minutes, units = zip(*day.boluses, strict=True)
        beside.vlines(np.array(minutes) / 60, 0, units, color=_BOLUS, linewidth=2.5)
        beside.plot(np.array(minutes) / 60, units, "o", color=_BOLUS, markersize=5)
        _frame(beside, "bolus, U", (0, 1.25 * max(units)))
        beside.spines["right"].set_visible(True)
    axes.set_xlabel("hour", fontsize=8, color=_INK)


def _frame(axes: Any, title: str, limits: tuple[float, float]) -> None:
    axes.set(xlim=(0, 24), ylim=limits, xticks=range(0, 25, 3))
    axes.set_ylabel(title, fontsize=8, color=_INK)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
