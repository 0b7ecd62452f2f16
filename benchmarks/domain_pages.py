"""Each field's page, a table and a picture, from what ``benchmarks.domains`` made."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.domains import FIELDS, METHODS, kept_of, key_of
from benchmarks.kept import Figures
from benchmarks.pilot_suite.sources import package
from trimtab.report.drawing import ACCENT

OTHERS = "#8b979c"
SHOWN = {
    "default": "default settings, cosine",
    "random search": "random search, ten runs",
    "tpe-hyperband": "TPE with Hyperband, ten runs",
    "study": "**a study**, ten runs",
    "cosine": "default settings in a plain loop, cosine",
    "pilot": "**a Pilot** in that loop",
}
Held = Mapping[str, Sequence[Figures]]
"""By method, what each seed came to."""


def main() -> None:
    """Write the pages of the fields that were measured, and print one line of each for the page of all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FIELDS, default=FIELDS, help="some of the fields")
    for field in parser.parse_args().only:
        held = held_of(field, kept_of(field).made)
        if not held:
            print(f"{field}: nothing was measured by the present code", file=sys.stderr)
            continue
        module = importlib.import_module(f"examples.{field}.task")
        folder = Path(str(module.__file__)).parent
        draw(held, module.HEADLINE, folder / "figures.png")
        (folder / "README.md").write_text("\n".join(page(field, module, held)) + "\n")
        cells = [f"{median(each['figure'] for each in held[method]):.3f}" for method in SHOWN]
        print(f"| {_words(field)}: {_words(module.HEADLINE)} | {len(held['study'])} | {' | '.join(cells)} |")


def held_of(field: str, made: Mapping[str, Figures]) -> Held:
    """Return the figures of the seeds, from the first on, of which all methods have one."""
    found = dict[str, list[Figures]]()
    seed = 0
    while all(key_of(field, method, seed) in made for method in METHODS):
        for method in METHODS:
            found.setdefault(method, []).append(made[key_of(field, method, seed)])
        seed += 1
    return found


def page(field: str, module: Any, held: Held) -> Iterator[str]:
    """Yield the lines of a field's page."""
    lines = str(module.__doc__).strip().splitlines()
    name = _words(module.HEADLINE)
    seeds = len(held["study"])
    yield f"# {_words(field).capitalize()}\n"
    yield from lines[: next(index for index, line in enumerate(lines) if line.startswith("trimtab run"))]
    yield f"```\ntrimtab run examples/{field}/task.py:study"
    yield f"python -m examples.{field}.pilot      # --no-pilot: the same without it\n```\n"
    yield f"On the test split, read once for what each method picked by validation; {_counted(seeds)}:\n"
    yield f"| | {name} | loss | seconds |\n| --- | --- | --- | --- |"
    for method, title in SHOWN.items():
        cells = [_spread([each[key] for each in held[method]], 3) for key in ("figure", "loss")]
        seconds = median(each["seconds"] for each in held[method])
        yield f"| {title} | {cells[0]} | {cells[1]} | {seconds:.{0 if seconds >= 10 else 1}f} |"
    yield f"\n![Test {name} of each method, a dot for each seed](figures.png)\n"
    command = f"python -m benchmarks.domains --only {field} --seeds {seeds}"
    yield f"Measured by `{command}`, one thread, with other work on the machine."


def _words(name: str) -> str:
    return name.replace("_", " ")


def _counted(seeds: int) -> str:
    return "one seed" if seeds == 1 else f"median of {seeds} seeds [lowest, highest]"


def _spread(values: Sequence[float], digits: int) -> str:
    middle = f"{median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def draw(held: Held, name: str, path: Path) -> None:
    """Draw the test figure of every seed, a line for each method."""
    figure = package("matplotlib.figure", "pip install matplotlib").Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    for place, method in enumerate(reversed(SHOWN)):
        values = [each["figure"] for each in held[method]]
        colour = ACCENT if method in ("study", "pilot") else OTHERS
        axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.55, markersize=6, markeredgewidth=0)
        axes.plot([median(values)] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2.5, solid_capstyle="round")
    axes.set_yticks(
        range(len(SHOWN)),
        [title.replace("*", "") for title in reversed(SHOWN.values())],
    )
    axes.set(xlabel=f"test {_words(name)}, a dot for each seed, a line at the median")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e4e8ea", linewidth=0.8)
    axes.set_axisbelow(True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
