"""Examples divided at random into parts, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import TensorDataset


def divide(inputs: Tensor, targets: Tensor, sizes: Sequence[int], seed: int) -> list[TensorDataset]:
    """Return data sets of ``sizes`` examples, and one of those that are left."""
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    parts = order.split([*sizes, len(inputs) - sum(sizes)])
    return [TensorDataset(inputs[part], targets[part]) for part in parts]
