"""Which metrics a task measures, and which of them is its goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from trimtab.errors import TaskError
from trimtab.task.losses import LOSSES, Metric, MetricFunction, NamedLoss
from trimtab.task.protocol import Goal
from trimtab.task.scores import ScoreFunction

_GOALS: Mapping[str, Goal] = {
    "loss": Goal("loss"),
    "accuracy": Goal("accuracy", minimise=False, bound=1.0),
    "error": Goal("error"),
    "rmse": Goal("rmse"),
    "mae": Goal("mae"),
}
_ALIKE: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    ((nn.CrossEntropyLoss, nn.NLLLoss), "cross_entropy"),
    ((nn.BCEWithLogitsLoss,), "binary_cross_entropy"),
    ((nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss), "mse"),
)


def resolve_loss(loss: str | Callable[..., Any]) -> NamedLoss:
    """Return the loss of this name, or the user's own ``loss(output, target)`` in the same form."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise TaskError(f"loss: expected one of {', '.join(LOSSES)}, or a callable (output, target) -> loss, got {loss!r}")
        return LOSSES[loss]
    if not callable(loss):
        raise TaskError(f"loss: expected one of {', '.join(LOSSES)}, or a callable (output, target) -> loss, got {loss!r}")

    def function(output: Any, target: Any, label_smoothing: float = 0.0) -> Any:
        del label_smoothing
        return loss(output, target)

    # torch's own losses say as much as a name does
    alike = next((LOSSES[name] for kinds, name in _ALIKE if isinstance(loss, kinds)), None)
    return NamedLoss(function, alike.metrics if alike else {}, indices=alike.indices if alike else False)


def resolve_metrics(metrics: Mapping[str, MetricFunction] | None, free: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return the metrics that come with the loss, with the user's own laid over them."""
    for name, function in (metrics or {}).items():
        if not callable(function) or name == "loss":
            raise TaskError(f"metrics[{name!r}]: expected a callable (output, target) -> number, not named 'loss'")
    return {**free, **{name: Metric(function) for name, function in (metrics or {}).items()}}


def resolve_scores(scores: Mapping[str, ScoreFunction] | None, metrics: Mapping[str, Metric]) -> dict[str, ScoreFunction]:
    """Return ``scores``; raise TaskError for one that cannot be called, or is named like the loss or a metric."""
    for name, function in (scores or {}).items():
        if not callable(function) or name == "loss" or name in metrics:
            taken = ", ".join(("loss", *metrics))
            raise TaskError(f"scores[{name!r}]: expected a callable (outputs, targets) -> number, not named one of {taken}")
    return dict(scores or {})


def resolve_goal(goal: Goal | str, names: Mapping[str, object]) -> Goal:
    """Return ``goal`` as a Goal; raise TaskError if it is no metric, or of unknown direction."""
    metric = goal.metric if isinstance(goal, Goal) else goal
    if metric != "loss" and metric not in names:
        raise TaskError(f"goal: expected one of the metrics {', '.join(('loss', *names))}, got {metric!r}")
    if isinstance(goal, Goal):
        return goal
    if goal not in _GOALS:
        raise TaskError(f"goal: say which way {goal!r} improves: Goal({goal!r}, minimise=False, scale='linear'), or another")
    return _GOALS[goal]
