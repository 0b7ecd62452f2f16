"""One larger net on real data: a transformer of 11 million weights on picture captions, by a Pilot and by two schedules.

Each run takes about an hour on one core; what is in the results folder is not made again. The data are of a held-out task.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.pilot_suite import recipes, text
from benchmarks.pilot_suite.digest import pilot_digest
from benchmarks.pilot_suite.ledger import Ledger, default_folder
from benchmarks.pilot_suite.losses import CROSS_ENTROPY
from benchmarks.pilot_suite.recipes import Recipe
from benchmarks.pilot_suite.sources import Arrays, cached
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.training import Run, settle, train
from benchmarks.results import Headline, Measured, run

WORDS, LENGTH = 5000, 24
WIDTH, LAYERS, HEADS = 320, 6, 8
BATCH, SEGMENT_STEPS = 32, 100


def captions() -> Arrays:
    """Return English captions as windows of 24 words, and the same moved on by one: what is to be told at each place."""

    def make() -> Arrays:
        texts = [text.split_words("\n".join(text.captions(split, "en"))) for split in text.CAPTIONS]
        known = {word: 2 + place for place, (word, _) in enumerate(Counter(texts[0]).most_common(WORDS - 2))}
        return Arrays(*(_windows(np.asarray([known.get(word, text.UNKNOWN) for word in words])) for words in texts))

    return cached("captions", make)


def _windows(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = (len(words) - 1) // LENGTH
    return words[: count * LENGTH].reshape(count, LENGTH), words[1 : count * LENGTH + 1].reshape(count, LENGTH)


class Writer(nn.Module):
    """A causal transformer over words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(LENGTH, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.1, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, WORDS)
        self.register_buffer("later", nn.Transformer.generate_square_subsequent_mask(LENGTH), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (n, words, places), as cross entropy takes them."""
        hidden = self.body(self.words(x) + self.places, mask=self.get_buffer("later"), is_causal=True)
        return self.head(hidden)


def measure(arguments: argparse.Namespace) -> Measured:
    """Make the runs that are missing, one after the other, and set them side by side."""
    settle()
    horizon = 2 if arguments.quick else arguments.segments
    task = Task(f"captions-{horizon}", "text", captions, Writer, CROSS_ENTROPY, BATCH, SEGMENT_STEPS, horizon)
    weights = sum(weight.numel() for weight in Writer().parameters())
    held = Ledger(arguments.results or default_folder() / "large")
    wanted: dict[str, Recipe] = {
        "default cosine": recipes.cosine("adamw"),
        "calibrated": recipes.calibrated(),
        "Pilot": recipes.pilot("adamw", 1e-3, pilot_digest(arguments.policy)),
    }
    found = {name: _run(task, recipe, held, arguments.policy) for name, recipe in wanted.items()}
    pilot = found["Pilot"]
    lines = [
        Headline(f"test loss, Pilot to {name}", pilot.final_test, name, other.final_test, pilot.final_test / other.final_test)
        for name, other in found.items()
        if name != "Pilot"
    ]
    curves = {
        name: {"validation": list(one.validation), "rates": list(one.rates), "test": one.final_test}
        for name, one in found.items()
    }
    return lines, {"weights": weights, "segments": horizon, "seconds a run": pilot.seconds, "runs": curves}


def _run(task: Task, recipe: Recipe, held: Ledger, policy: Path | None) -> Run:
    known = held.find(task, recipe, 0)
    if known is None:
        options: Callable[[nn.Module], dict[str, str]] = lambda _: {} if policy is None else {"policy": str(policy)}  # noqa: E731
        known = train(task, recipe, 0, pilot=options)
        held.add(task, recipe, 0, known)
        print(f"{recipe.method} {recipe.rate:g}: test {known.final_test:.5g} ({known.seconds:.0f} s)", flush=True)
    return known


if __name__ == "__main__":
    run(
        "pilot_large",
        measure,
        ("--results", {"type": Path, "help": "folder of the results (default: in the user's cache)"}),
        ("--policy", {"type": Path, "help": "a policy file instead of the one that the package ships"}),
        (
            "--segments",
            {"type": int, "default": 60, "help": "of a hundred steps each (default: %(default)s, about an hour a run)"},
        ),
    )
