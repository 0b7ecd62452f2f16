"""What a study found, learned again from all rows, several times, and averaged."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trimtab.study.replay import other_seeds, train_again
from trimtab.study.schedule import Schedule
from trimtab.task.torch_task import TorchTask

TIMES = 3
"""Nets that are averaged; each costs a whole run, so that fewer are trained where the budget is small."""
SHARE = 3
"""At most one in so many segments is spent on them."""


def affordable(segments: int, run: int) -> int:
    """Return how many nets a budget of ``segments`` may be spent on, of ``run`` segments each."""
    return min(TIMES, segments // (SHARE * run))


class Mean(nn.Module):
    """The mean over ``nets`` (Lakshminarayanan et al. 2017): of their numbers, or, as logits, of their probabilities."""

    def __init__(self, nets: list[nn.Module], *, classes: bool) -> None:
        super().__init__()
        self.nets, self.classes = nn.ModuleList(nets), classes

    def forward(self, x: Tensor) -> Tensor:
        outputs = torch.stack([net(x) for net in self.nets])
        # a logarithm of sums, for a probability may be too small for a number
        return outputs.log_softmax(-1).logsumexp(0) if self.classes else outputs.mean(0)


def refitted(task: TorchTask, schedule: Schedule, times: int) -> list[nn.Module]:
    """Return the nets that ``schedule`` gives from other weights, ``times`` of them at most: one that diverges is left out."""
    found = [train_again(task, schedule, run_seed=seed) for seed in other_seeds(schedule, times)]
    return [state.model.eval() for state, run in found if not run.diverged]
