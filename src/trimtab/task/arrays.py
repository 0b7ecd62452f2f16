"""Whole data sets as tensors. Plain PyTorch: an exported schedule contains the source of these functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset


def whole_tensors(given: Any) -> tuple[Tensor, ...] | None:
    """Return the tensors of a tuple of arrays, of a TensorDataset, or of a subset of one; None for any other data set."""
    if isinstance(given, (tuple, list)):
        return tuple(as_tensor(array) for array in given)
    if type(given) is TensorDataset:
        return given.tensors
    if type(given) is Subset:
        tensors = whole_tensors(given.dataset) if type(given.dataset) in (TensorDataset, Subset) else None
        return tensors and tuple(tensor[torch.as_tensor(list(given.indices), dtype=torch.long)] for tensor in tensors)
    return None


def as_tensor(array: Any) -> Tensor:
    """Return ``array`` as a tensor: floats in torch's default precision, whole numbers as int64, bytes as they are."""
    if isinstance(array, Tensor):
        return array
    given = np.ascontiguousarray(array)
    # NumPy's own double precision and small integers are seldom meant: models are single precision, labels int64
    if given.dtype.kind == "f":
        return torch.tensor(given, dtype=torch.get_default_dtype())
    return torch.tensor(given, dtype=torch.int64 if given.dtype.kind in "iu" and given.dtype != np.uint8 else None)
