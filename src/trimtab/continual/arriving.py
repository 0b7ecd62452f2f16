"""What arrives is checked before anything is changed: a stream may end, change its form, or bring what cannot be trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trimtab.errors import DataError
from trimtab.task.arrays import as_tensor
from trimtab.task.batches import Batch
from trimtab.task.evaluation import pair


@dataclass(slots=True)
class Arriving:
    """``form``: shapes of an example and types, as in the first chunk. ``indices``: whether targets are class indices."""

    indices: bool
    form: list[str] | None = None

    def check(self, inputs: Any, targets: Any) -> Batch:
        """Return (inputs, …, targets) as tensors; raise DataError where they are not like those before, or not finite."""
        columns = self.check_inputs(inputs)
        chunk = (*columns[:-1], _tensor("targets", targets))
        lengths = [len(tensor) for tensor in chunk]
        if not lengths[0]:
            raise DataError("step: expected at least one example, got none: the stream has ended, or the chunk is empty")
        if len(set(lengths)) > 1:
            raise DataError(f"step: expected inputs and targets of equal length, got {' and '.join(map(str, lengths))}")
        form = [f"{tuple(tensor.shape[1:])} {str(tensor.dtype).removeprefix('torch.')}" for tensor in chunk]
        if self.form is not None and form != self.form:
            raise DataError(f"step: expected examples as in the first chunk, {', '.join(self.form)}; got {', '.join(form)}")
        for tensor in chunk:
            _check_finite(tensor)
        self.form = form
        return chunk

    def check_inputs(self, inputs: Any) -> Batch:
        """Return (inputs, …, nothing) as a batch that a model can be applied to."""
        given = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        columns = tuple(_tensor("inputs", column) for column in given)
        return (*columns, torch.empty(len(columns[0]) if columns else 0))

    def check_labels(self, chunk: Batch, output: Any) -> None:
        """Raise DataError if a target is a class that ``output`` has no column for."""
        target = pair(chunk)[1]
        if not self.indices or target.is_floating_point() or not isinstance(output, Tensor) or output.ndim < 2:
            return
        low, high, classes = int(target.min()), int(target.max()), output.shape[1]
        if low < 0 or high >= classes:
            wrong = low if low < 0 else high
            raise DataError(
                f"targets: label {wrong} is out of range: the model has {classes} outputs, labels 0 to {classes - 1}"
            )


def _tensor(name: str, array: Any) -> Tensor:
    try:
        found = as_tensor(array)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name}: expected a tensor or an array of numbers, got {type(array).__name__} ({error})") from None
    if not found.ndim:
        raise DataError(f"{name}: expected one row an example, got a single number")
    return found


def _check_finite(tensor: Tensor) -> None:
    if not tensor.is_floating_point():
        return
    wrong = ~torch.isfinite(tensor.flatten(1) if tensor.ndim > 1 else tensor[:, None]).all(1)
    if wrong.any():
        first = int(wrong.nonzero()[0])
        raise DataError(
            f"step: got {int(wrong.sum())} examples that are NaN or infinite, the first at {first}; drop or mend them"
        )
