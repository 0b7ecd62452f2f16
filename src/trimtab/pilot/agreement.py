"""One view for all ranks of a distributed training: what the first was told and decides, all take over."""

from __future__ import annotations

import torch
from torch import distributed


def agreed(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return the ``numbers`` of rank 0, on every rank; without a process group, the numbers themselves."""
    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        return numbers
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    told = torch.tensor(numbers, dtype=torch.float64, device=device)
    distributed.broadcast(told, src=0)
    return tuple(told.tolist())
