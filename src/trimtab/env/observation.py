"""What an agent sees of a run: numbers without scale, so that what is learned on one task means something on another.

Multiplying the loss by a constant, or renaming and reordering the model's parameters, leaves every feature as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from trimtab.env.trace import Trace, errors, standings
from trimtab.space import Settings, Space
from trimtab.task import Goal, Telemetry

LIMIT = 10.0
"""Every feature is clipped to [-LIMIT, LIMIT]."""

RUN_FEATURES = (
    "progress",
    "segments left (log)",
    "error since start",
    "error above best",
    "error change",
    "error change before",
    "segments since best",
    "train loss since start",
    "train loss change",
    "loss trend in segment",
    "loss noise in segment",
    "gap",
    "gap change",
    "update / weight (log10)",
    "cosine of updates",
    "gradient (log, relative)",
    "gradient change",
    "gradient trend in segment",
)
"""Names of the features of a run, in order. All differences are differences of logarithms where the goal's scale is log."""


def feature_names(space: Space) -> tuple[str, ...]:
    """Return the name of every number that ``observe`` returns."""
    settings = [f"{name}[{i}]" if member.width > 1 else name for name, member in space.items() for i in range(member.width)]
    return (*RUN_FEATURES, *settings, *(f"{name} last change" for name in space.live))


def observe(trace: Trace, goal: Goal, space: Space) -> np.ndarray:
    """Return the observation of a run, shape (features,), float32, every entry finite and in [-10, 10]."""
    run = [_clip(value) for value in _run_features(trace, goal)]
    return np.concatenate([np.array(run, dtype=np.float32), space.encode(trace.settings), _last_change(trace, space)])


def _run_features(trace: Trace, goal: Goal) -> list[float]:
    error = errors(standings(trace, goal))
    best = min(error)
    train = [math.nan, *(step.after.train_loss for step in trace.steps)]
    gaps = [math.nan, *(_log_ratio(_validation_loss(step.after.metrics), step.after.train_loss) for step in trace.steps)]
    telemetry = [Telemetry(), *(step.after.telemetry for step in trace.steps)]
    gradients = [math.nan, *(_relative_gradient(step.after.telemetry, step.after.train_loss) for step in trace.steps)]
    last = telemetry[-1]
    return [
        trace.progress,
        math.log1p(max(0, trace.horizon - len(trace.steps))),
        error[-1] - error[0],
        error[-1] - best,
        _change(error),
        _change(error[:-1]),
        (len(error) - 1 - error.index(best)) / trace.horizon,
        _log_ratio(train[-1], _validation_loss(trace.before.metrics)),
        _log_ratio(train[-1], train[-2]) if len(train) > 1 else 0.0,
        _trend(last.losses),
        _noise(last.losses),
        gaps[-1],
        _change(gaps),
        math.log10(last.update_norm / last.weight_norm) if last.update_norm > 0 and last.weight_norm > 0 else math.nan,
        last.cosine,
        gradients[-1],
        _change(gradients),
        _trend(last.gradient_norms),
    ]


def _last_change(trace: Trace, space: Space) -> np.ndarray:
    """Return for each live hyperparameter by how much its last decision changed it: in [-1, 1], 1 for a switch."""
    before = trace.steps[-2].settings if len(trace.steps) > 1 else trace.start
    return np.array([_distance(space, name, before, trace.settings) for name in space.live], dtype=np.float32)


def _distance(space: Space, name: str, before: Settings, after: Settings) -> float:
    one, other = space[name].encode(before[name]), space[name].encode(after[name])
    return other[0] - one[0] if len(one) == 1 else float(one != other)


def _validation_loss(metrics: Mapping[str, float]) -> float:
    return metrics.get("loss", math.nan)


def _relative_gradient(telemetry: Telemetry, loss: float) -> float:
    """Return log(‖g‖ ‖w‖ / loss): how much the loss falls, in its own unit, for a step as long as the weights."""
    if not telemetry.gradient_norms or not loss > 0 or not telemetry.weight_norm > 0:
        return math.nan
    norm = sum(telemetry.gradient_norms) / len(telemetry.gradient_norms)
    return math.log(norm * telemetry.weight_norm / loss) if norm > 0 else math.nan


def _log_ratio(one: float, other: float) -> float:
    return math.log(one / other) if 0 < one < math.inf and 0 < other < math.inf else 0.0


def _change(values: Sequence[float]) -> float:
    return values[-1] - values[-2] if len(values) > 1 else 0.0


def _trend(parts: Sequence[float]) -> float:
    """Return the log-ratio of the last part of a segment to its first."""
    return _log_ratio(parts[-1], parts[0]) if len(parts) > 1 else 0.0


def _noise(parts: Sequence[float]) -> float:
    """Return the standard deviation of the log of the parts of a segment around their straight line."""
    if len(parts) < 3 or not all(0 < part < math.inf for part in parts):
        return 0.0
    logs = [math.log(part) for part in parts]
    n, mean = len(logs), sum(logs) / len(logs)
    middle = (n - 1) / 2
    slope = sum((i - middle) * log for i, log in enumerate(logs)) / sum((i - middle) ** 2 for i in range(n))
    return math.sqrt(sum((log - mean - slope * (i - middle)) ** 2 for i, log in enumerate(logs)) / n)


def _clip(value: float) -> float:
    return 0.0 if math.isnan(value) else min(LIMIT, max(-LIMIT, value))
