"""What a Pilot saw, did and expected: one entry for each of its looks, and the schedule that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trimtab.policy.sight import FEATURES
from trimtab.policy.signals import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Event = Literal["", "went back", "diverged", "changed by hand", "ended at the best"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One look.

    ``segment``: segments that had ended. ``train_loss``, ``validation_loss``: as they were told, NaN where not. ``seen``: the
    features; ``moves``: by the name of the head what its move does, a factor or a difference; ``values``: by the same names
    what each of its moves is worth; all three empty at the end of the run. ``rate``, ``settings``: the learning rate that was
    set for the steps to come, and what else may be moved. ``expected``, ``doubt``: how much lower the run is going to end
    than by the reference schedule from here, in the policy's unit, and the deviation over its ensemble. ``best``: the segment
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

    def features(self) -> dict[str, float]:
        """Return what was seen by the names of the features."""
        return dict(zip(FEATURES, self.seen, strict=False))

    def __str__(self) -> str:
        loss = self.validation_loss if self.validation_loss == self.validation_loss else self.train_loss
        told = f"loss {loss:.4g}, " if loss == loss else ""
        event = f", {self.event}" if self.event else ""
        settings = "".join(f", {name.replace('_', ' ')} {value:.3g}" for name, value in self.settings.items())
        return f"segment {self.segment} ({self.look}): {told}rate {self.rate:.3g}{settings}{event}"


def figure(entries: list[Entry], horizon: int) -> Figure:
    """Return the losses above the learning rate, over the segments."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7.0, 4.6), layout="constrained")
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    ends = [entry for entry in entries if entry.look == "segment"]
    for name, color in (("train_loss", "#9aa5b1"), ("validation_loss", "#0b6bcb")):
        points = [(entry.segment, getattr(entry, name)) for entry in ends if getattr(entry, name) == getattr(entry, name)]
        if points:
            above.plot(*zip(*points, strict=True), color=color, label=name.replace("_", " "), linewidth=1.6)
    for entry in ends:
        if entry.event in ("went back", "diverged"):
            above.axvline(entry.segment, color="#d1495b", linewidth=0.8, linestyle=":" if entry.event == "went back" else "-")
    above.set_ylabel("loss")
    if all(value > 0 for line in above.lines[:2] for value in line.get_ydata()):
        above.set_yscale("log")
    above.legend(frameon=False)
    steps = [(max(0, entry.segment), entry.rate) for entry in entries]
    below.step(*zip(*steps, strict=True), where="post", color="#e07a1f", linewidth=1.6)
    below.set_yscale("log")
    below.set_ylabel("learning rate")
    below.set_xlabel("segment")
    below.set_xlim(0, horizon)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return drawn
