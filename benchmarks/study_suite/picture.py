"""Any-time curves as a picture: how near each method is to the best that anybody found, at every budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.pilot_suite.sources import package
from benchmarks.study_suite.results import Results
from benchmarks.study_suite.sooner import above, by_place
from trimtab.report.drawing import ACCENT

OTHERS = ("#b7c0c4", "#c9a26b", "#8f7fb0", "#7aa37a", "#c2787a", "#6f8aa8", "#a39a86")
POINTS = 80


def draw(results: Results, methods: Sequence[str], version: str, budget: float, path: Path) -> None:
    """Write the curves of ``methods``, ours first and bold, as a picture."""
    figure = package("matplotlib.figure", "pip install matplotlib").Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    held = {method: by_place(results, method, version, budget) for method in methods}
    marks = np.geomspace(0.2, budget, POINTS)
    for index, (method, heights) in enumerate(above(held, marks).items()):
        bold = index == 0
        axes.plot(
            marks,
            heights,
            color=ACCENT if bold else OTHERS[(index - 1) % len(OTHERS)],
            linewidth=2.6 if bold else 1.4,
            linestyle="-" if bold or index <= len(OTHERS) else "--",
            zorder=3 if bold else 2,
            label=method,
        )
    axes.set(xscale="log", yscale="log", xlabel="budget, in whole runs", ylabel="above the best known validation loss, %")
    ticks = [mark for mark in (0.3, 1, 3, 10, 30, 100) if mark <= budget]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    heights = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200) if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]]
    axes.set_yticks(heights, [f"{tick:g}" for tick in heights])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path, dpi=140)
