"""What is tuned: data, a net of some shape, a loss, and how long a whole run is. Real data, three disjoint splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from benchmarks.pilot_suite import images, losses, series, tables, teachers, text
from benchmarks.pilot_suite.losses import Loss
from benchmarks.pilot_suite.sources import Arrays
from benchmarks.pilot_suite.task import Data, Split
from benchmarks.study_suite import nets
from benchmarks.study_suite.nets import Shape

HORIZON = 27
"""Segments of a whole run: a power of three, the reduction factor of the peers."""


@dataclass(frozen=True, slots=True)
class Problem:
    """``segment``: training examples of a segment. ``make(shape)``: a net with random weights."""

    name: str
    kind: str
    load: Callable[[], Arrays]
    make: Callable[[Shape], nn.Module]
    loss: Loss
    segment: int

    def data(self) -> Data:
        return _data(self.name)

    def build(self, settings: Mapping[str, Any]) -> nn.Module:
        return self.make(shape_of(settings))

    @property
    def full_run(self) -> float:
        """What a whole run costs, in gradient examples: each segment is measured once."""
        return HORIZON * self.segment_cost

    @property
    def segment_cost(self) -> float:
        return self.segment + self.measuring_cost

    @property
    def measuring_cost(self) -> float:
        """What measuring on the validation split costs: a forward pass is a third of a step."""
        return len(self.data().validation.x) / 3


def shape_of(settings: Mapping[str, Any]) -> Shape:
    return Shape(int(settings["width"]), int(settings["depth"]), str(settings["activation"]), float(settings["dropout"]))


@torch.no_grad()
def mean_loss(problem: Problem, model: nn.Module, split: Split) -> float:
    """Return the mean loss over a split by ``model`` in evaluation mode; NaN if it is not finite."""
    was = model.training
    model.eval()
    total, weight = 0.0, 0
    for x, y in zip(split.x.split(problem.loss.chunk), split.y.split(problem.loss.chunk), strict=True):
        total += float(problem.loss.function(model(x), y)) * len(x)
        weight += len(x)
    model.train(was)
    return total / weight


def accuracy(problem: Problem, model: nn.Module, split: Split) -> float | None:
    """Return the share of right classes, None where there are no classes."""
    if problem.loss is not losses.CROSS_ENTROPY:
        return None
    with torch.no_grad():
        model.eval()
        return float((model(split.x).argmax(-1) == split.y).float().mean())


@cache
def _data(name: str) -> Data:
    arrays = PROBLEMS[name].load()
    return Data(*(_split(*part) for part in (arrays.train, arrays.validation, arrays.test)))


def _split(x: Any, y: Any) -> Split:
    inputs, targets = torch.as_tensor(x), torch.as_tensor(y)
    return Split(inputs, targets)


MEASURED = (
    Problem("blood-cells", "medical images", images.blood_cells, lambda s: nets.pictures(3, 3, s), losses.CROSS_ENTROPY, 604),
    Problem("subjectivity", "text", text.subjectivity, lambda s: nets.Bag(3000, 2, s), losses.CROSS_ENTROPY, 2500),
    Problem("french-words", "language model", text.french_words, lambda s: nets.Grams(800, 4, s), losses.CROSS_ENTROPY, 3000),
    Problem(
        "movielens", "recommendation", tables.movielens, lambda s: nets.TwoTowers(944, 1683, s), losses.SQUARED_ERROR, 9000
    ),
    Problem("survival", "medical", tables.survival, lambda s: nets.dense(8, 1, s), losses.COX, 5200),
    Problem("diamonds", "regression", tables.diamonds, lambda s: nets.dense(26, 1, s), losses.SQUARED_ERROR, 9000),
    Problem("electricity", "tabular", tables.electricity, lambda s: nets.dense(6, 2, s), losses.CROSS_ENTROPY, 7600),
    Problem("weather", "tabular", tables.weather, lambda s: nets.dense(8, 2, s), losses.CROSS_ENTROPY, 7000),
    Problem("building-load", "series", series.building_load, lambda s: nets.Recurrent(4, 1, s), losses.SQUARED_ERROR, 1250),
    Problem("vowels", "series", series.vowels, lambda s: nets.Sounds(13, 29, 9, s), losses.CROSS_ENTROPY, 760),
)
"""What the headlines are of. No rule, prior or policy may be chosen by them."""

PRETRAINING = (
    Problem("segments", "tabular", tables.segments, lambda s: nets.dense(18, 7, s), losses.CROSS_ENTROPY, 1276),
    Problem("computers", "regression", tables.computers, lambda s: nets.dense(12, 1, s), losses.SQUARED_ERROR, 1871),
    Problem("mnist", "images", images.mnist, lambda s: nets.dense(784, 10, s), losses.CROSS_ENTROPY, 1750),
    Problem("polarity", "text", text.sentence_polarity, lambda s: nets.Bag(3000, 2, s), losses.CROSS_ENTROPY, 2700),
    Problem("italy-power", "series", series.italy_power, lambda s: nets.Recurrent(1, 2, s), losses.CROSS_ENTROPY, 550),
    Problem("pneumonia", "medical images", images.pneumonia, lambda s: nets.pictures(1, 2, s), losses.CROSS_ENTROPY, 500),
    Problem("heart", "series", series.heart, lambda s: nets.waves(1, 8, s), losses.SQUARED_ERROR, 1500),
    Problem("questions", "text", text.questions, lambda s: nets.Bag(1500, 6, s), losses.CROSS_ENTROPY, 2100),
    Problem("digits", "images", teachers.digit_pictures, lambda s: nets.pictures(1, 10, s), losses.CROSS_ENTROPY, 540),
    Problem(
        "cancer",
        "medical",
        lambda: teachers.bundled("breast_cancer"),
        lambda s: nets.dense(30, 2, s),
        losses.CROSS_ENTROPY,
        340,
    ),
    Problem(
        "diabetes", "medical", lambda: teachers.bundled("diabetes"), lambda s: nets.dense(10, 1, s), losses.SQUARED_ERROR, 264
    ),
    Problem(
        "teacher-noisy",
        "synthetic",
        lambda: teachers.taught(20, 3000, 0.5, 2),
        lambda s: nets.dense(20, 1, s),
        losses.SQUARED_ERROR,
        2100,
    ),
    Problem(
        "clusters",
        "synthetic",
        lambda: teachers.clusters(10, 2000, 5, 1.0, 5),
        lambda s: nets.dense(10, 5, s),
        losses.CROSS_ENTROPY,
        1400,
    ),
    Problem("sines", "synthetic", lambda: teachers.waves(6000, 6), lambda s: nets.waves(1, 4, s), losses.SQUARED_ERROR, 1400),
    Problem(
        "ratings",
        "synthetic",
        lambda: teachers.rated(200, 300, 12_000, 0.5, 10),
        lambda s: nets.TwoTowers(200, 300, s),
        losses.SQUARED_ERROR,
        4200,
    ),
    Problem(
        "topics",
        "synthetic",
        lambda: teachers.topics(1500, 16, 4000, 4, 11),
        lambda s: nets.Bag(1500, 4, s),
        losses.CROSS_ENTROPY,
        2800,
    ),
)
"""What may be learned from before: by trimtab and by the peer that is warm-started."""

PROBLEMS = {problem.name: problem for problem in (*MEASURED, *PRETRAINING)}
