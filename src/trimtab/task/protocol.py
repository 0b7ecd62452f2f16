"""What is trained: the one interface through which everything above sees a training.

A training is a tree of segments. A segment is a pure job, *(parent checkpoint, settings, seed, length) → (checkpoint,
measurement)*: given the same inputs it gives the same output, so that a crashed one is simply run again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from trimtab.errors import TaskError
from trimtab.space import Settings, Space

State = TypeVar("State")
Split = Literal["train", "validation", "audit", "test"]
"""``audit``: read once a study is over, to tell how far it over-fitted ``validation``; ``test``: read once, at the very end."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a study improves: one validation metric, and the scale on which its improvement is counted.

    ``scale="log"``: the metric's distance from ``bound`` is an error ≥ 0 whose logarithm counts (a loss, bound 0;
    accuracy, bound 1, maximised). ``scale="linear"``: the metric itself counts (a return, a log-likelihood).
    """

    metric: str = "loss"
    minimise: bool = True
    scale: Literal["log", "linear"] = "log"
    bound: float = 0.0
    floor: float = 1e-4
    """Errors below this count as this (``scale="log"``): one example in ten thousand."""

    def __post_init__(self) -> None:
        if self.scale not in ("log", "linear"):
            raise TaskError(f"Goal.scale: expected 'log' or 'linear', got {self.scale!r}")
        if not self.floor > 0:
            raise TaskError(f"Goal.floor: expected a positive number, got {self.floor!r}")

    def error(self, metrics: Mapping[str, float]) -> float:
        """Return what is to fall: log of the distance to the bound, or ±metric; +inf where the metric is not finite."""
        if self.metric not in metrics:
            raise TaskError(f"goal: the validation metrics have no {self.metric!r}; they are {', '.join(metrics)}")
        value = metrics[self.metric]
        if not math.isfinite(value):
            return math.inf
        if self.scale == "linear":
            return value if self.minimise else -value
        return math.log(max(value - self.bound if self.minimise else self.bound - value, self.floor))

    def better(self, one: Mapping[str, float], other: Mapping[str, float]) -> bool:
        """Return whether metrics ``one`` are strictly better than ``other``."""
        return self.error(one) < self.error(other)


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a run to be trained: piece ``index`` (from 0) of ``horizon``, under ``settings``.

    ``seed`` fixes everything random inside the segment but the order of the data, which the run's own seed fixes.
    """

    settings: Settings
    seed: int
    index: int
    horizon: int

    @property
    def progress(self) -> tuple[float, float]:
        """Share of the run that is done before and after this segment, each in [0, 1]."""
        return self.index / self.horizon, min(1.0, (self.index + 1) / self.horizon)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a training says of itself over one segment. Raw figures: the observation made of them is scale-free.

    ``losses``: mean train loss in equal parts of the segment, in order (at most 8). ``gradient_norms``: the same for
    the L2 norm of the gradient, sampled. ``weight_norm``: L2 norm of the weights at the end. ``update_norm``: L2 norm of
    their displacement over the segment. ``cosine``: cosine between this displacement and that of the segment before,
    NaN in the first. Of some steps: ``step_norm``, the mean L2 norm of their displacement; ``gradient_cosine``, the mean
    cosine of the gradients before and after; ``step_cosine`` and ``after_cosine``, of the step with the descent (the negative
    gradient) before it and after. Whatever a task cannot measure is empty or NaN.
    """

    losses: tuple[float, ...] = ()
    gradient_norms: tuple[float, ...] = ()
    weight_norm: float = math.nan
    update_norm: float = math.nan
    cosine: float = math.nan
    step_norm: float = math.nan
    gradient_cosine: float = math.nan
    step_cosine: float = math.nan
    after_cosine: float = math.nan


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one segment came to.

    ``metrics``: on the validation split, by name, ``"loss"`` among them. ``train_loss``: mean over the segment.
    ``steps``: optimizer steps. ``examples``: training examples seen (of a control, transitions). ``episodes``: those that were
    played to learn from. ``seconds``: wall time of training and evaluation.
    ``parameters``: weights of the model. ``latency``: seconds an example of validation. Both are 0 if unknown.
    ``status``: ``"diverged"`` if a loss or weight was not finite; such a segment is valued and its path ends there.
    """

    metrics: Mapping[str, float]
    train_loss: float
    steps: int = 0
    examples: int = 0
    epochs: float = 0.0
    seconds: float = 0.0
    telemetry: Telemetry = field(default_factory=Telemetry)
    status: Literal["finished", "diverged"] = "finished"
    parameters: int = 0
    latency: float = 0.0
    episodes: int = 0


Progress = Callable[[], None]
"""Called by a task between steps, so that whoever waits for it knows that it has not hung."""


class Task(Protocol[State]):
    """A training that can be started, advanced by a segment, put into a checkpoint and taken out of one.

    ``advance`` may change ``state`` in place and must leave it usable for the next ``advance``; advancing a state that
    was decoded must give bit for bit what advancing the original gives.
    """

    goal: Goal

    def check(self, space: Space) -> None:
        """Raise TaskError if a hyperparameter of ``space`` cannot be applied; nothing is trained."""
        ...

    def start(self, settings: Settings, *, seed: int) -> State:
        """Return a training before its first step; ``seed`` fixes its initial weights and the order of its data."""
        ...

    def measure(self, state: State) -> Measurement:
        """Return the measurement of a training as it stands, on validation data; no step is made."""
        ...

    def advance(self, state: State, segment: Segment, *, progress: Progress = lambda: None) -> Measurement:
        """Train one segment in place and measure it on validation data."""
        ...

    def evaluate(self, state: State, split: Split) -> Mapping[str, float]:
        """Return the metrics of a training on ``split``."""
        ...

    def encode(self, state: State) -> bytes:
        """Return everything that ``state`` needs to go on, as safetensors bytes."""
        ...

    def decode(self, checkpoint: bytes) -> State:
        """Return the training in ``checkpoint``; raise CheckpointError if the bytes are not one of this task's."""
        ...

    def fingerprint(self) -> str:
        """Return a short text that differs between tasks whose results cannot be compared."""
        ...
