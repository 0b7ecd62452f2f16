"""What a pretrained start is worth: the same examples from pretrained and from random weights, by a default run and by a study.

The text's net from nothing is the transformer of the sentiment example, on the same 1,000 sentences: MiniLM cannot be
trained from nothing on so few. What was made is kept in the cache folder, by the code that made it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.data import TensorDataset

import trimtab as tt
from benchmarks.kept import Figures, kept
from benchmarks.results import Headline, Measured, interval, run
from examples.baselines import fixed
from examples.faces import task as faces
from examples.own_start import task as own_start
from examples.pretrained_text import task as text
from examples.sentiment import task as sentiment

SEEDS = 5
Make = Callable[[int], tt.TorchTask]


def few_sentences(seed: int) -> tt.TorchTask:
    """Return the sentiment example on the sentences that the pretrained one has."""
    parts = sentiment.load_splits(seed)
    train, validation, test = (
        TensorDataset(*part[: size or len(part)]) for part, size in zip(parts, (text.SIZES[0], text.SIZES[1], 0), strict=True)
    )
    return tt.TorchTask(build=sentiment.build_model, train=train, validation=validation, test=test, segment="0.5 epochs")


STARTS: Mapping[str, Mapping[str, tuple[Any, Make]]] = {
    "faces": {"pretrained": (faces, faces.make_task), "nothing": (faces, partial(faces.make_task, pretrained=False))},
    "own_start": {
        "pretrained": (own_start, own_start.make_task),
        "nothing": (own_start, partial(own_start.make_task, pretrained=False)),
    },
    "pretrained_text": {"pretrained": (text, text.make_task), "nothing": (sentiment, few_sentences)},
}


def by_default(module: Any, task: tt.TorchTask, seed: int) -> dict[str, float]:
    """Return the test metrics of one run at the default settings with a cosine."""
    return fixed("", task, module.DEFAULT, horizon=module.HORIZON, seed=seed).test


def by_study(module: Any, task: tt.TorchTask, seed: int, runs: int = 10) -> dict[str, float]:
    """Return the test metrics of what a study of ten runs picked by validation."""
    with tempfile.TemporaryDirectory() as folder:
        budget = tt.Budget(segments=runs * module.HORIZON)
        study = tt.Study(task, module.SPACE, budget=budget, horizon=module.HORIZON, store=f"{folder}/study.db", seed=seed)
        return study.run().evaluate_on_test()


METHODS = {"default": by_default, "study": by_study}


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing and compare, field by field."""
    torch.set_num_threads(1)
    fields, seeds = (["faces"], 1) if arguments.quick else (arguments.only or [*STARTS], arguments.seeds)
    examples = Path(__file__).parents[1] / "examples"
    own = [examples / field for field in (*STARTS, "sentiment", "digit_images")]
    found = kept("pretrained", [*own, Path(tt.__file__).parent, Path(__file__)])
    made = {
        f"{field}/{start}/{method}/{seed}": found.get(
            f"{field}/{start}/{method}/{seed}", partial(_tested, function, module, make, seed)
        )
        for seed in range(seeds)
        for field in fields
        for start, (module, make) in STARTS[field].items()
        for method, function in METHODS.items()
    }
    lines = list[Headline]()
    for field in fields:
        for method in METHODS:
            held, beside = (
                [made[f"{field}/{start}/{method}/{seed}"]["loss"] for seed in range(seeds)]
                for start in ("pretrained", "nothing")
            )
            ratios = [here / there for here, there in zip(held, beside, strict=True)]
            low, high = interval(ratios)
            name = f"{field}, {method}: test loss"
            lines.append(Headline(name, median(held), "from nothing", median(beside), median(ratios), low, high, seeds))
    return lines, {"metrics": made}


def _tested(method: Callable[[Any, tt.TorchTask, int], Figures], module: Any, make: Make, seed: int) -> Figures:
    return method(module, make(seed), seed)


if __name__ == "__main__":
    run(
        "pretrained",
        measure,
        ("--only", {"nargs": "+", "choices": [*STARTS], "help": "some of the fields"}),
        ("--seeds", {"type": int, "default": SEEDS}),
    )
