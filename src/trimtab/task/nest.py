"""Batches are tensors in tuples, lists or dicts: their length, their parts, and their way to a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def leaves(batch: Any) -> Iterator[Tensor]:
    """Yield the tensors of ``batch`` in order."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from leaves(value)
    elif isinstance(batch, (tuple, list)):
        for value in batch:
            yield from leaves(value)


def map_leaves(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return ``batch`` with every tensor replaced by ``change`` of it."""
    if isinstance(batch, Tensor):
        return change(batch)
    if isinstance(batch, Mapping):
        return {name: map_leaves(value, change) for name, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return [map_leaves(value, change) for value in batch]
    return batch


def length(batch: Any) -> int:
    """Return the number of examples in ``batch``: the length of its first tensor."""
    first: Any = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
    if isinstance(first, Tensor) and first.ndim:
        return first.shape[0]
    return next((len(tensor) for tensor in leaves(batch) if tensor.ndim), 1)


def parts_of(batch: Any, size: int) -> Iterator[Any]:
    """Yield ``batch`` in parts of at most ``size`` examples."""
    total = length(batch)
    for start in range(0, total, size):

        def part(tensor: Tensor, start: int = start) -> Tensor:
            return tensor[start : start + size] if tensor.ndim and len(tensor) == total else tensor

        yield map_leaves(batch, part)


def to_device(batch: Any, device: torch.device) -> Any:
    """Return ``batch`` on ``device``."""
    return map_leaves(batch, lambda tensor: tensor.to(device, non_blocking=True))
