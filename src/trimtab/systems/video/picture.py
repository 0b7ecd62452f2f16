"""A picture of a session: what was shown, film by film, who chose it, and how many stars it got."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.systems.video.rankers import RANKERS, Told
from trimtab.systems.video.ratings import LIKED

_INK = "#263238"
_COLOURS = {True: "#2e7d32", False: "#c62828"}


def picture(asked: Sequence[int], told: Told) -> np.ndarray:
    """Return the picture as RGB, shape (height, width, 3). ``asked``: the ranker that chose each film so far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, (ranker, stars) in enumerate(zip(asked, told.stars, strict=True)):
        colour = _COLOURS[stars >= LIKED]
        axes.plot(place + 1, ranker, "s", color=colour, markersize=17, alpha=0.85)
        axes.text(place + 1, ranker, f"{stars:.0f}", color="white", ha="center", va="center", fontsize=9)
    axes.set_yticks(range(len(RANKERS)), list(RANKERS), color=_INK)
    axes.set_xlim(0.3, 20.7)
    axes.set_ylim(len(RANKERS) - 0.4, -0.6)
    axes.set_xticks(range(1, 21), [str(place) if place % 5 == 0 else "" for place in range(1, 21)])
    axes.set_xlabel("film", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eceff1")
    axes.set_axisbelow(True)
    liked = sum(stars >= LIKED for stars in told.stars)
    words = f"who chose the film, and its stars   ·   {liked} of {len(told.stars)} liked"
    figure.suptitle(words, color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()
