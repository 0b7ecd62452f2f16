"""One decision for all ranks of a distributed training: the first decides, all apply."""

from __future__ import annotations

import torch
from torch import distributed


def agreed(action: tuple[int, ...]) -> tuple[int, ...]:
    """Return the action of rank 0, on every rank; without a process group, the action itself."""
    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        return action
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    told = torch.tensor(action, dtype=torch.int64, device=device)
    distributed.broadcast(told, src=0)
    return tuple(told.tolist())
