"""A small real training for tests of runners: ridge regression on the diabetes data, by minibatch gradient descent in NumPy."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from trimtab.errors import CheckpointError, TaskError
from trimtab.seeds import generator
from trimtab.space import Categorical, Float, Int, Space
from trimtab.task import Goal, Measurement, Progress, Segment, Split, Telemetry

SPACE = Space(
    lr=Float(1e-4, 1e9, log=True),
    batch_size=Int(8, 128, log=True),
    l2=Float(1e-6, 1.0, log=True),
    noise=Float(0.0, 0.5),
    trouble=Categorical("none", "raise", "exit"),
)


Splits = Mapping[Split, tuple[np.ndarray, np.ndarray]]
"""Inputs, shape (examples, 11) with the last column one, and targets, shape (examples,)."""


@dataclass(slots=True)
class RidgeState:
    """Weights with the bias last, and what fixes the order of the data."""

    weights: np.ndarray
    run_seed: int
    steps: int


class RidgeTask:
    """One segment is one pass over the data in the run's own order; ``noise`` is added to the inputs by the segment's seed."""

    goal = Goal()

    def __init__(self, splits: Splits | None = None) -> None:
        self.splits = _diabetes() if splits is None else splits

    def check(self, space: Space) -> None:
        """Raise TaskError unless ``space`` has the names of SPACE."""
        if set(space) != set(SPACE):
            raise TaskError(f"space: expected {', '.join(SPACE)}, got {', '.join(space)}")

    def start(self, settings: Mapping[str, object], *, seed: int) -> RidgeState:  # noqa: ARG002 - named as in Task
        return RidgeState(generator(seed, "weights").normal(size=11), seed, 0)

    def measure(self, state: RidgeState) -> Measurement:
        return Measurement(self.evaluate(state, "validation"), self.evaluate(state, "train")["loss"])

    def advance(self, state: RidgeState, segment: Segment, *, progress: Progress = lambda: None) -> Measurement:
        settings, began = segment.settings, time.perf_counter()
        if settings["trouble"] == "raise":
            raise ValueError("the trouble that was asked for")
        if settings["trouble"] == "exit":
            raise SystemExit(3)
        inputs, targets = self.splits["train"]
        order = generator(state.run_seed, "order", segment.index).permutation(len(targets))
        noise = generator(segment.seed, "noise").normal(size=inputs.shape) * float(settings["noise"])
        losses = [
            self._step(state, inputs[part] + noise[part], targets[part], segment, progress)
            for part in np.array_split(order, math.ceil(len(order) / int(settings["batch_size"])))
        ]
        metrics = self.evaluate(state, "validation")
        return Measurement(
            metrics,
            float(np.mean(losses)),
            steps=len(losses),
            examples=len(order),
            epochs=1.0,
            seconds=time.perf_counter() - began,
            telemetry=Telemetry(losses=tuple(losses[:8]), weight_norm=float(np.linalg.norm(state.weights))),
            status="finished" if math.isfinite(metrics["loss"]) else "diverged",
        )

    def _step(self, state: RidgeState, inputs: np.ndarray, targets: np.ndarray, segment: Segment, progress: Progress) -> float:
        progress()
        with np.errstate(over="ignore", invalid="ignore"):
            error = inputs @ state.weights - targets
            gradient = 2 * inputs.T @ error / len(targets) + 2 * float(segment.settings["l2"]) * state.weights
            state.weights -= float(segment.settings["lr"]) * gradient
        state.steps += 1
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.mean(error**2))

    def evaluate(self, state: RidgeState, split: Split) -> dict[str, float]:
        inputs, targets = self.splits[split]
        with np.errstate(over="ignore", invalid="ignore"):
            return {"loss": float(np.mean((inputs @ state.weights - targets) ** 2))}

    def encode(self, state: RidgeState) -> bytes:
        return save({"weights": state.weights, "counts": np.array([state.run_seed, state.steps], dtype=np.int64)})

    def decode(self, checkpoint: bytes) -> RidgeState:
        try:
            tensors = load(checkpoint)
            run_seed, steps = (int(count) for count in tensors["counts"])
            return RidgeState(tensors["weights"].copy(), run_seed, steps)
        except (SafetensorError, KeyError, ValueError) as error:
            raise CheckpointError(f"not a checkpoint of a ridge regression: {error}") from error

    def fingerprint(self) -> str:
        return "ridge on diabetes"


def _diabetes() -> Splits:
    from sklearn.datasets import load_diabetes  # an extra, and slow to import: needed by this function alone

    data: Any = load_diabetes()
    inputs, targets = data["data"], data["target"]
    inputs = np.column_stack([inputs / inputs.std(axis=0), np.ones(len(inputs))])
    targets = (targets - targets.mean()) / targets.std()
    return {
        "train": (inputs[:300], targets[:300]),
        "validation": (inputs[300:370], targets[300:370]),
        "test": (inputs[370:], targets[370:]),
    }
