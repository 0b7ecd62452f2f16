"""The page and the picture of the agents that tune an agent, from what ``benchmarks.reinforcement`` keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.kept import Figures, Kept
from benchmarks.pilot_suite.sources import package
from benchmarks.reinforcement import AT_BEST, CELLS, FLOWN, Cell, of, returns
from trimtab.report.drawing import ACCENT

OTHERS = "#8b979c"
SHOWN = {
    "published": "published settings",
    AT_BEST: "the same, at its best of twenty looks by validation",
    "pilot": "**a Pilot** for the rate, else the same",
    "default": "published settings in steps, at its best look",
    "random search": "random search, ten trainings",
    "tpe-hyperband": "TPE with Hyperband, ten trainings",
    "pbt": "population-based training (Ray Tune) of ten",
    "study": "**a study**, ten trainings",
}
HEAD = """# Reinforcement

Agents that balance a pole, find a goal, break bricks or land on the moon: an agent tunes the training of an agent,
a PPO or a DQN of Stable-Baselines3.

```
trimtab run examples/reinforcement/task.py:study
python -m examples.reinforcement.pilot --environment CartPole-v1 --algorithm ppo --steps 20480
python -m examples.reinforcement.zoo --environment CartPole-v1 --algorithm ppo --steps 20480      # the published settings
```

Mean return of 50 fresh episodes, acting greedily; median over seeds [lowest, highest]. All are told the returns of the same
ten validation episodes. The published settings are those of rl-baselines3-zoo, which were made for longer trainings than these;
for breakout none are published, and those for Atari stand in:
"""


def write(folder: Path, held: Kept) -> None:
    """Write the page and its picture into ``folder``, of the trainings that were measured."""
    cells = [cell for cell in CELLS if returns(cell, held)]
    draw(cells, held, folder / "figures.png")
    (folder / "README.md").write_text("\n".join(page(cells, held)) + "\n")


def page(cells: Sequence[Cell], held: Kept) -> Iterator[str]:
    """Yield the lines of the page."""
    yield HEAD
    yield f"| | {' | '.join(f'{cell.name}, {cell.steps:,} steps' for cell in cells)} |\n|{' --- |' * (len(cells) + 1)}"
    found = [returns(cell, held) for cell in cells]
    for method, title in SHOWN.items():
        if any(method in each for each in found):
            yield f"| {title} | {' | '.join(_spread(each.get(method, [])) for each in found)} |"
    counts = [", ".join(dict.fromkeys(str(len(values)) for values in each.values())) for each in found]
    yield f"| seeds: of one training, of ten | {' | '.join(counts)} |"
    yield "\n![Validation return over the steps of a training, by the published settings and by a Pilot](figures.png)\n"
    yield "Measured by `python -m benchmarks.reinforcement`, one thread, with other work on the machine."


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    digits = 3 if max(map(abs, values)) < 2 else 1
    middle = f"{median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def draw(cells: Sequence[Cell], held: Kept, path: Path) -> None:
    """Draw the curves of every seed, and the median over them: published settings grey, the Pilot in colour."""
    columns = min(3, len(cells))
    rows = -(-len(cells) // columns)
    figure = package("matplotlib.figure", "pip install matplotlib").Figure(
        figsize=(3.4 * columns, 2.7 * rows), layout="constrained"
    )
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, cell in zip(panels, cells, strict=False):
        for method, colour in zip(FLOWN, (OTHERS, ACCENT), strict=True):
            curves = [_curve(runs) for runs in of(cell, method, held)]
            for curve in curves:
                axes.plot(*zip(*curve, strict=True), color=colour, alpha=0.3, linewidth=0.9)
            middle = [(points[0][0], median(value for _, value in points)) for points in zip(*curves, strict=False)]
            axes.plot(*zip(*middle, strict=True), color=colour, linewidth=2.4, label="a Pilot" if method == "pilot" else method)
        axes.set_title(cell.name, fontsize=10)
        axes.set(xlabel="steps in the environment", ylabel="validation return")
        axes.ticklabel_format(axis="x", style="plain")
        axes.locator_params(axis="x", nbins=4)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e4e8ea", linewidth=0.8)
        axes.set_axisbelow(True)
    for axes in panels[len(cells) :]:
        axes.set_axis_off()
    panels[0].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)


def _curve(runs: Figures) -> list[tuple[float, float]]:
    return sorted((float(name.removeprefix("after ")), value) for name, value in runs.items() if name.startswith("after "))
