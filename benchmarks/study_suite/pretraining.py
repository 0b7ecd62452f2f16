"""The runs from which the priors of a study are learned: settings drawn at random, and from the prior, on sixteen problems.

``python -m benchmarks.study_suite.pretraining runs.jsonl --random 100 --drawn 40`` adds what is missing, a line a run; then
``python -m trimtab.search.pretraining runs.jsonl --write src/trimtab/search/prior.safetensors``. About a second a run.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.study_suite import ours
from benchmarks.study_suite.problems import HORIZON, PRETRAINING, Problem, mean_loss
from benchmarks.study_suite.space import drawn
from benchmarks.study_suite.static import Training
from trimtab.search.archive import shipped
from trimtab.search.portrait import Portrait
from trimtab.search.starts import Starts

SEED = 7
DRAWN = 1000
"""Settings drawn from the prior are numbered from here."""


def settings(random: int, from_prior: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield numbers and settings, all with the schedule that a study has where no agent touches it."""
    for number in range(random):
        yield number, {**drawn(np.random.default_rng([SEED, number])), "schedule": "linear"}
    space = ours.space()
    starts = Starts(space, Portrait(space), [shipped()[0]])
    for number in range(DRAWN, DRAWN + from_prior):
        rng = np.random.default_rng([SEED, number])
        yield number, {**starts.prospect([], rng).draw(1.0, rng).settings, "schedule": "linear"}


def made(problem: Problem, number: int, chosen: dict[str, Any]) -> dict[str, Any]:
    """Train one run to its end, or to where it diverges, and return its line."""
    training, curve = Training(problem, chosen, number), list[float]()
    before = mean_loss(problem, training.model, problem.data().validation)
    while training.done < HORIZON and all(map(math.isfinite, curve)):
        curve.append(training.advance())
    finite = [loss for loss in curve if math.isfinite(loss)]
    return {"problem": problem.name, "config": number, "settings": chosen, "before": before, "curve": finite}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--random", type=int, default=100)
    parser.add_argument("--drawn", type=int, default=40)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    lines = asked.runs.read_text(encoding="utf-8").splitlines() if asked.runs.exists() else []
    there = {(record["problem"], record["config"]) for record in map(json.loads, lines)}
    with asked.runs.open("a", encoding="utf-8") as opened:
        for number, chosen in settings(asked.random, asked.drawn):
            for problem in PRETRAINING:
                if (problem.name, number) not in there:
                    opened.write(json.dumps(made(problem, number, chosen)) + "\n")
                    opened.flush()


if __name__ == "__main__":
    main()
