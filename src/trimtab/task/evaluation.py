"""The metrics of a model on a whole split: evaluation mode, no gradients, batches as large as memory allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from trimtab.errors import DataError, TaskError, TrimtabError
from trimtab.task.batches import Batch
from trimtab.task.data import Data, check_labels
from trimtab.task.losses import Loss, Metric, mean_of
from trimtab.task.nest import length, to_device
from trimtab.task.scores import Gathered, ScoreFunction
from trimtab.task.training import Objective, is_out_of_memory, loss_of


@dataclass(frozen=True, slots=True)
class Examiner:
    """How a split is measured. ``forward``: the model's output; ``loss`` of (output, target), or ``step`` of (model, batch)."""

    device: torch.device
    autocast: Callable[[], AbstractContextManager[Any]]
    loss: Callable[[Any, Any], Tensor] | None
    step: Objective | None
    metrics: Mapping[str, Metric]
    scores: Mapping[str, ScoreFunction]
    batch_size: int

    def measure(self, model: nn.Module, data: Data, where: str) -> dict[str, float]:
        """Return the loss and metrics of ``model`` on ``data``, averaged over its examples, and its scores."""
        model.eval()
        try:
            with torch.no_grad(), self.autocast():
                return self._averages(model, data, where)
        except RuntimeError as error:
            if not is_out_of_memory(error) or self.batch_size == 1:
                raise
        # outside of the except clause: inside it the traceback would keep the failed batch in memory
        return replace(self, batch_size=self.batch_size // 2).measure(model, data, where)

    def _averages(self, model: nn.Module, data: Data, where: str) -> dict[str, float]:
        sums: Tensor | None = None
        total, gathered = 0, Gathered()
        for batch in data.whole(self.batch_size):
            size = length(batch)
            batch = batch if self.device.type == "cpu" else to_device(batch, self.device)
            means = torch.stack(self._batch(model, batch, where, gathered)) * size
            sums, total = means if sums is None else sums + means, total + size
        if sums is None:
            raise DataError(f"{where}: expected at least one example, got none")
        loss, *others = (sums / total).tolist()
        finished = (metric.finish(value) for metric, value in zip(self.metrics.values(), others, strict=True))
        scores = gathered.values(self.scores, where) if math.isfinite(loss) else dict.fromkeys(self.scores, math.nan)
        return {"loss": loss, **dict(zip(self.metrics, finished, strict=True)), **scores}

    def _batch(self, model: nn.Module, batch: Batch, where: str, gathered: Gathered) -> list[Tensor]:
        output = target = None
        if self.step is None or self.metrics or self.scores:
            inputs, target = pair(batch)
            output = model(*inputs)
        if self.scores:
            gathered.add(output, target)
        loss = self.step(model, batch) if self.step is not None else self._loss(output, target, where)
        values = [metric.function(output, target) for metric in self.metrics.values()]  # pyright: ignore[reportArgumentType]  # set wherever there are metrics
        return [mean_of(value, self.device) for value in (loss, *values)]

    def _loss(self, output: Any, target: Any, where: str) -> Tensor:
        assert self.loss is not None
        try:
            return self.loss(output, target)
        except IndexError:
            explain_labels(output, target, where)
            raise

    def nothing(self) -> dict[str, float]:
        """Return the metrics of a training that diverged: each is NaN."""
        return {"loss": math.nan, **dict.fromkeys((*self.metrics, *self.scores), math.nan)}


def pair(batch: Batch) -> tuple[list[Any], Any]:
    """Return (inputs, target) of a batch whose last member is the target; raise TaskError if it is none."""
    if isinstance(batch, (tuple, list)) and len(batch) >= 2:
        *inputs, target = batch
        return inputs, target
    raise TaskError(
        f"train: expected examples (inputs, target), got {type(batch).__name__}; "
        "give TorchTask(step=lambda model, batch: loss) for examples of another form"
    )


def explain_labels(output: object, target: object, where: str) -> None:
    """Raise DataError if ``target`` holds class indices that ``output`` has no column for."""
    if isinstance(output, Tensor) and isinstance(target, Tensor) and output.ndim >= 2:
        check_labels(where, target, output.shape[1])


def try_losses(loss: Loss, metrics: Mapping[str, Metric], output: Any, target: Any) -> None:
    """Raise TaskError if the loss or a metric cannot take the model's output and the target of the first examples."""
    shapes = " and ".join(
        str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__ for value in (output, target)
    )
    functions = {"loss": loss, **{f"metrics[{name!r}]": metric.function for name, metric in metrics.items()}}
    for name, function in functions.items():
        try:
            with torch.no_grad():
                value = loss_of(function(output, target, 0.0)) if name == "loss" else function(output, target)  # pyright: ignore[reportCallIssue]  # a loss also takes label smoothing
                mean_of(value, value.device if isinstance(value, Tensor) else torch.device("cpu"))
        except TrimtabError:
            raise
        except Exception as error:
            explain_labels(output, target, "train")
            raise TaskError(f"{name}: cannot take the model's output and the target, {shapes}: {error}") from error
