"""What a prediction came to: its loss and metrics, and the error of each example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trimtab.task.batches import Batch
from trimtab.task.evaluation import pair
from trimtab.task.losses import NamedLoss


@dataclass(frozen=True, slots=True)
class Measuring:
    """Figures by a named loss, or by the user's own."""

    named: NamedLoss

    def loss(self, output: Any, target: Any) -> Tensor:
        """Return the mean loss of ``output``."""
        return self.named.function(output, target, 0.0)

    def metrics(self, output: Any, chunk: Batch) -> dict[str, float]:
        """Return loss and metrics of ``output`` on ``chunk``."""
        target, found = pair(chunk)[1], dict[str, float]()
        for name, metric in self.named.metrics.items():
            found[name] = metric.finish(torch.as_tensor(metric.function(output, target)).double().mean().item())
        return {"loss": self.loss(output, target).item(), **found}

    def errors(self, output: Any, chunk: Batch) -> list[float]:
        """Return the error of each example, where the loss has a metric of single ones; else the loss of the chunk."""
        target = pair(chunk)[1]
        for name in ("error", "rmse"):
            if name in self.named.metrics:
                return torch.as_tensor(self.named.metrics[name].function(output, target)).flatten().tolist()
        return [self.loss(output, target).item()]
