"""The page and the picture of each field, from what ``benchmarks.domains`` keeps: python -m benchmarks.domain_pages."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import reinforcement, schedules
from benchmarks.domains import FIELDS, RUNS
from benchmarks.domains_suite import reinforcement_page
from benchmarks.domains_suite.ledger import EXAMPLES, Ledger, Outcome
from benchmarks.domains_suite.methods import PEERS
from benchmarks.kept import Figures
from benchmarks.pilot_suite.sources import package
from trimtab.report.drawing import ACCENT

OTHERS = "#8b979c"
REINFORCEMENT = "reinforcement"
"""A field of several trainings, with a page of another form."""
SHOWN = {
    "default": "default settings, cosine",
    "random search": "random search, ten runs",
    "tpe-hyperband": "TPE with Hyperband, ten runs",
    "study": "**a study**, ten runs",
    "cosine": "default settings in a plain loop, cosine",
    "pilot": "**a Pilot** in that loop",
}
COMPARED = ((*PEERS, "study"), ("cosine", "pilot"))
"""Methods that are measured with the same seeds."""
Held = Mapping[str, Sequence[Outcome]]
"""By method, in the order of SHOWN: what each seed came to."""


def main() -> None:
    """Write the pages of the fields that were measured, and print one line of each for the page of all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=(*FIELDS, REINFORCEMENT), help="some of the fields")
    only = parser.parse_args().only or (*FIELDS, REINFORCEMENT)
    if REINFORCEMENT in only:
        reinforcement_page.write(EXAMPLES / REINFORCEMENT, reinforcement.kept())
    for field in (field for field in only if field != REINFORCEMENT):
        held = held_of(Ledger(field))
        if not held:
            print(f"{field}: nothing was measured", file=sys.stderr)
            continue
        module = importlib.import_module(f"examples.{field}.task")
        folder = Path(str(module.__file__)).parent
        draw(held, module.HEADLINE, folder / "figures.png")
        (folder / "README.md").write_text("\n".join(page(field, module, held)) + "\n")
        cells = [f"{median(each.figure for each in held[method]):.3f}" if method in held else "" for method in SHOWN]
        seeds = ", ".join(dict.fromkeys(str(len(each)) for each in held.values()))
        print(f"| {_words(field)}: {_words(module.HEADLINE)} | {seeds} | {' | '.join(cells)} |")


def held_of(ledger: Ledger) -> Held:
    """Return the outcomes of the seeds, from the first on, that a method and all that it is compared with have."""
    held = dict[str, list[Outcome]]()
    for methods in COMPARED:
        for seed in range(ledger.seeds(methods, RUNS)):
            for method in methods:
                held.setdefault(method, []).append(ledger.outcomes[method, seed, RUNS])
    return held


def page(field: str, module: Any, held: Held) -> Iterator[str]:
    """Yield the lines of a field's page."""
    lines = str(module.__doc__).strip().splitlines()
    name = _words(module.HEADLINE)
    yield f"# {_words(field).capitalize()}\n"
    yield from lines[: next(index for index, line in enumerate(lines) if line.startswith("trimtab run"))]
    yield f"```\ntrimtab run examples/{field}/task.py:study"
    yield f"python -m examples.{field}.pilot      # --no-pilot: the same without it\n```\n"
    yield "On the test split, read once for what each method picked by validation; median over seeds [lowest, highest]:\n"
    names = {"figure": name, "loss": "loss"} if name != "loss" else {"loss": "loss"}
    yield f"| | {' | '.join(names.values())} | seconds | seeds |\n|{' --- |' * (len(names) + 3)}"
    for method, outcomes in held.items():
        cells = [_spread([getattr(each, key) for each in outcomes], 3) for key in names]
        seconds = median(each.seconds for each in outcomes)
        yield f"| {SHOWN[method]} | {' | '.join(cells)} | {seconds:.{0 if seconds >= 10 else 1}f} | {len(outcomes)} |"
    yield f"\n![Test {name} of each method, a dot for each seed](figures.png)\n"
    yield f"Measured by `python -m benchmarks.domains --only {field}`, one thread, with other work on the machine."
    if field in schedules.FIELDS and (made := schedules.kept_of(field).made):
        yield from tuned(field, made)


def tuned(field: str, made: Mapping[str, Figures]) -> Iterator[str]:
    """Yield a table of what ``benchmarks.schedules`` keeps of a field: by plan, the best peak of each seed by validation."""
    runs = dict[str, dict[str, list[Figures]]]()
    for key, figures in made.items():
        plan, _, seed, _ = key.split("/")
        runs.setdefault(plan, {}).setdefault(seed, []).append(figures)
    metrics = [name for name in next(iter(made.values())) if name not in ("validation_loss", "seconds")]
    yield "\nBeside schedules, all in one loop; of several peaks the one with the lowest validation loss counts:\n"
    yield f"| | peaks tried | {' | '.join(metrics)} | seeds |\n|{' --- |' * (len(metrics) + 3)}"
    for plan, seeds in runs.items():
        picked = [min(each, key=lambda run: run["validation_loss"]) for each in seeds.values()]
        cells = [_spread([run[metric] for run in picked], 3) for metric in metrics]
        title = "**a Pilot**" if plan == "pilot" else plan
        peaks = 0 if plan == "pilot" else max(map(len, seeds.values()))
        yield f"| {title} | {peaks or ''} | {' | '.join(cells)} | {len(picked)} |"
    yield f"\nMeasured by `python -m benchmarks.schedules --only {field}`."


def _words(name: str) -> str:
    return name.replace("_", " ")


def _spread(values: Sequence[float], digits: int) -> str:
    middle = f"{median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def draw(held: Held, name: str, path: Path) -> None:
    """Draw the test figure of every seed, a line for each method."""
    height = 0.8 + 0.3 * len(held)
    figure = package("matplotlib.figure", "pip install matplotlib").Figure(figsize=(7, height), layout="constrained")
    axes = figure.subplots()
    methods = list(held)[::-1]
    for place, method in enumerate(methods):
        values = [each.figure for each in held[method]]
        colour = ACCENT if method in ("study", "pilot") else OTHERS
        axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.55, markersize=6, markeredgewidth=0)
        axes.plot([median(values)] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2.5, solid_capstyle="round")
    axes.set_yticks(range(len(methods)), [SHOWN[method].replace("*", "") for method in methods])
    axes.set(xlabel=f"test {_words(name)}, a dot for each seed, a line at the median")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e4e8ea", linewidth=0.8)
    axes.set_axisbelow(True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
