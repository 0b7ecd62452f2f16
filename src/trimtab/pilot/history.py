"""What a Pilot saw, did and expected: one entry for each of its looks, and the schedule that came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from trimtab.policy.sight import FEATURES
from trimtab.policy.signals import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Event = Literal["", "went back", "overfit", "diverged", "changed by hand", "ended at the best"]
RETURNS: tuple[Event, ...] = ("went back", "overfit", "diverged", "ended at the best")
"""Events by which a run is at its best weights again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One look.

    ``segment``: segments that had ended. ``train_loss``, ``validation_loss``: as they were told, NaN where not. ``seen``: the
    features; ``moves``: by the name of the head what its move does, a factor or a difference; ``values``: by the same names
    what each of its moves is worth; all three empty at the end of the run. ``rate``, ``settings``: the learning rate that was
    set for the steps to come, and what else may be moved. ``expected``, ``doubt``: how much lower the run is going to end
    than if it is left alone from here, in the policy's unit, and the deviation over its ensemble. ``best``: the segment
    whose weights are the best so far.
    """

    segment: int
    look: Look
    train_loss: float
    validation_loss: float
    seen: tuple[float, ...]
    moves: Mapping[str, float]
    values: Mapping[str, tuple[float, ...]]
    rate: float
    settings: Mapping[str, float]
    expected: float
    doubt: float
    best: int
    event: Event = ""

    def to_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def features(self) -> dict[str, float]:
        """Return what was seen by the names of the features."""
        return dict(zip(FEATURES, self.seen, strict=False))

    def __str__(self) -> str:
        loss = self.validation_loss if self.validation_loss == self.validation_loss else self.train_loss
        told = f"loss {loss:.4g}, " if loss == loss else ""
        event = f", {self.event}" if self.event else ""
        settings = "".join(f", {name.replace('_', ' ')} {value:.3g}" for name, value in self.settings.items())
        return f"segment {self.segment} ({self.look}): {told}rate {self.rate:.3g}{settings}{event}"


_GREY, _BLUE, _ORANGE, _RED = "#9aa5b1", "#0b6bcb", "#e07a1f", "#d1495b"


def figure(entries: list[Entry], horizon: int) -> Figure:
    """Return the losses above the learning rate and whatever else was changed, over the segments.

    Triangles mark where the policy moved a hyperparameter, up or down; red lines, where weights were put back; a ring, the
    best validation loss (train loss, where there is none).
    """
    from matplotlib.figure import Figure

    changed = [name for name in entries[-1].settings if len({entry.settings.get(name) for entry in entries[2:]}) > 1]
    heights = (3.0, 2.0, *[1.2] * len(changed))
    drawn = Figure(figsize=(7.0, 2.6 + sum(heights[1:])), layout="constrained")
    above, below, *others = drawn.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    _draw_losses(above, [entry for entry in entries if entry.look == "segment"])
    _draw_setting(below, entries, "lr", "learning rate")
    for axes, name in zip(others, changed, strict=True):
        _draw_setting(axes, entries, name, name.replace("_", " "))
    for axes in (above, below, *others):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    drawn.axes[-1].set_xlabel("segment")
    drawn.axes[-1].set_xlim(0, horizon)
    return drawn


def _draw_losses(axes: Axes, ends: list[Entry]) -> None:
    told = {
        "train loss": (_GREY, [(entry.segment, entry.train_loss) for entry in ends]),
        "validation loss": (_BLUE, [(entry.segment, entry.validation_loss) for entry in ends]),
    }
    curves = {name: (color, [point for point in curve if not math.isnan(point[1])]) for name, (color, curve) in told.items()}
    curves = {name: each for name, each in curves.items() if each[1]}
    for name, (color, curve) in curves.items():
        axes.plot(*zip(*curve, strict=True), color=color, label=name, linewidth=1.6)
    if curves:
        color, curve = list(curves.values())[-1]
        best = min(curve, key=lambda point: point[1])
        axes.plot(*best, "o", color=color, fillstyle="none", markersize=8, label="best")
        axes.legend(frameon=False)
    for entry in ends:
        if entry.event in RETURNS:
            axes.axvline(entry.segment, color=_RED, linewidth=0.9, linestyle="-" if entry.event == "diverged" else ":")
    axes.set_ylabel("loss")
    if all(loss > 0 for _, curve in curves.values() for _, loss in curve):
        axes.set_yscale("log")


def _draw_setting(axes: Axes, entries: list[Entry], name: str, label: str) -> None:
    """Draw one hyperparameter as it was set at each look, and where the policy moved it."""
    values = [entry.rate if name == "lr" else float(entry.settings.get(name, 0.0)) for entry in entries]
    axes.step([entry.segment for entry in entries], values, where="post", color=_ORANGE, linewidth=1.6)
    for entry, value in zip(entries, values, strict=True):
        move = entry.moves.get(name)
        still = 1.0 if name in ("lr", "weight_decay", "momentum") else 0.0
        if move is not None and move != still:
            up = (move > still) != (name == "momentum")  # a move of it is a factor of what is missing to 1
            axes.plot(entry.segment, value, "^" if up else "v", color=_ORANGE, markersize=6, clip_on=False)
    if 0 < 10 * min(values) < max(values):
        axes.set_yscale("log")
    axes.set_ylabel(label)
