"""The main job on real data: agents take over a training of handwritten digits that starts from plainly bad settings.

python -m examples.demo [--segments 400] [--workers 2] [--seed 0] [--folder trimtab-demo]
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

import trimtab as tt
from examples.baselines import Row, fixed, random_search
from examples.digits import BAD, DEFAULT, SPACE, make_task, study


def compare(task: tt.TorchTask, *, horizon: int, segments: int, seed: int, console: Console) -> list[Row]:
    """Train what trimtab is compared with."""
    console.print(f"First, what it is to be compared with ({segments} segments of random search, one epoch each):")
    alone = fixed("these settings left alone", task, BAD, horizon=horizon, seed=seed)
    default = fixed("a common default", task, DEFAULT, horizon=horizon, seed=seed)
    steps = iter(track(range(segments), "random search", console=console, transient=True))
    searched = random_search(task, SPACE, horizon=horizon, segments=segments, seed=seed, told=lambda _: next(steps, None))
    return [alone, default, searched]


def tune(*, segments: int, workers: int, seed: int, folder: Path, loggers: Sequence[Any] = ()) -> tuple[Row, tt.Result]:
    """Let the agents spend the same segments; the study is remembered in ``folder``."""
    began = time.perf_counter()
    tuned = study(
        seed, budget=tt.Budget(segments=segments), store=f"sqlite:///{folder}/study.db", workers=workers, loggers=loggers
    )
    result = tuned.run()
    seconds = time.perf_counter() - began
    row = Row("trimtab", dict(result.best.metrics), result.evaluate_on_test(), len(result.tree), seconds)
    return row, result


def table(rows: Sequence[Row]) -> Table:
    """Return the comparison as people read it."""
    found = Table("", "validation error", "test error", "test loss", "segments", "seconds", title="Handwritten digits")
    for row in rows:
        error = f"{row.validation['error']:.2%}", f"{row.test['error']:.2%}", f"{row.test['loss']:.3f}"
        style = "bold green" if row.name == "trimtab" else ""
        found.add_row(row.name, *error, str(row.segments), f"{row.seconds:.1f}", style=style)
    return found


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("trimtab-demo"))
    options = parser.parse_args()
    # nets this small train faster on one thread than on two
    torch.set_num_threads(1)
    console = Console()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    horizon = options.segments // 10
    rows = compare(make_task(options.seed), horizon=horizon, segments=options.segments, seed=options.seed, console=console)
    console.print(f"\nNow the agents, from the same bad settings: {BAD}\n")
    terminal = tt.loggers.Terminal(console)
    row, result = tune(
        segments=options.segments, workers=options.workers, seed=options.seed, folder=options.folder, loggers=[terminal]
    )
    rows.append(row)
    result.save(
        options.folder,
        title="Handwritten digits",
        baselines=[(row.name, row.validation["error"], row.test["error"], row.segments, row.seconds) for row in rows],
    )
    console.print(table(rows))
    console.print(f"\nIn {options.folder}/: study.db, best.safetensors, schedule.json, schedule.py and report.html (open it).")


if __name__ == "__main__":
    main()
