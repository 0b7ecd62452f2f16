"""Data sets in the three forms that a task accepts: whole tensors, map-style and iterable-style; checked on the way in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, default_collate

from trimtab.errors import DataError
from trimtab.task.arrays import as_tensor, whole_tensors
from trimtab.task.batches import Batch, Collate, Draw, Span, draw_items, draw_stream, draw_tensors
from trimtab.task.nest import leaves

Form = Literal["tensors", "items", "stream"]


class Data(Protocol):
    """One split. ``size`` is None for a stream of unknown length."""

    @property
    def form(self) -> Form: ...

    @property
    def size(self) -> int | None: ...

    def draw(self, span: Span) -> Draw:
        """Return the batches of one segment."""
        ...

    def whole(self, batch_size: int) -> Iterator[Batch]:
        """Yield the split in its own order."""
        ...


@dataclass(slots=True)
class TensorData:
    """Whole tensors of equal length: no example is ever handled by itself."""

    tensors: tuple[Tensor, ...]
    form: Form = "tensors"

    @property
    def size(self) -> int:
        return len(self.tensors[0])

    def draw(self, span: Span) -> Draw:
        return draw_tensors(self.tensors, span)

    def whole(self, batch_size: int) -> Iterator[Batch]:
        return zip(*(tensor.split(batch_size) for tensor in self.tensors), strict=True)


@dataclass(slots=True)
class ItemData:
    """A map-style data set."""

    dataset: Any
    collate: Collate | None
    workers: int
    pin_memory: bool
    form: Form = "items"

    @property
    def size(self) -> int:
        return len(self.dataset)

    def draw(self, span: Span) -> Draw:
        return draw_items(self.dataset, span, collate=self.collate, workers=self.workers, pin_memory=self.pin_memory)

    def whole(self, batch_size: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(0)
        loader: Iterable[Batch] = DataLoader(
            self.dataset,
            batch_size,
            collate_fn=self.collate,
            num_workers=self.workers,
            pin_memory=self.pin_memory,
            generator=generator,
        )
        return iter(loader)


@dataclass(slots=True)
class StreamData:
    """An iterable-style data set: it must yield the same examples each time it is iterated (in each epoch, if it has
    ``set_epoch``), for its place is found again by skipping.
    """

    stream: Any
    collate: Collate
    form: Form = "stream"

    @property
    def size(self) -> int | None:
        try:
            return len(self.stream)
        except TypeError:
            return None

    def draw(self, span: Span) -> Draw:
        return draw_stream(self.stream, span, collate=self.collate)

    def whole(self, batch_size: int) -> Iterator[Batch]:
        items = iter(self.stream)
        while chunk := list(itertools.islice(items, batch_size)):
            yield self.collate(chunk)


@dataclass(frozen=True, slots=True)
class Loading:
    """How single examples become batches."""

    collate: Collate | None = None
    workers: int = 0
    pin_memory: bool = False


def as_data(name: str, given: object, loading: Loading) -> Data:
    """Return the split ``name`` in one of the three forms; raise DataError if it cannot be trained on."""
    if isinstance(given, (str, bytes, Mapping, Tensor, np.ndarray, DataLoader, type)) or given is None:
        raise DataError(f"{name}: expected a data set or a tuple (inputs, targets), got {_described(given)}")
    if isinstance(given, (tuple, list)):
        return TensorData(_from_arrays(name, cast("Sequence[Any]", given)))
    if loading.collate is None and (tensors := whole_tensors(given)) is not None:
        return TensorData(_checked(name, tensors))
    # every torch data set inherits __getitem__, iterable-style ones too
    if hasattr(given, "__getitem__") and hasattr(given, "__len__") and not isinstance(given, IterableDataset):
        if len(cast("Any", given)) == 0:
            raise DataError(f"{name}: expected at least one example, got an empty data set")
        return ItemData(given, loading.collate, loading.workers, loading.pin_memory)
    if hasattr(given, "__iter__") and not isinstance(given, Iterator):
        return StreamData(given, loading.collate or default_collate)
    raise DataError(f"{name}: expected a data set or a tuple (inputs, targets), got {_described(given)}")


def _described(given: object) -> str:
    if isinstance(given, DataLoader):
        return "a DataLoader; the batch size is a live setting, so give the data set itself, loader.dataset"
    if isinstance(given, Iterator):
        return f"{type(given).__name__}, which can be read only once; give an object with __iter__"
    return type(given).__name__


def _from_arrays(name: str, arrays: Sequence[Any]) -> tuple[Tensor, ...]:
    if len(arrays) < 2:
        raise DataError(f"{name}: expected a tuple (inputs, targets), got {len(arrays)} of them")
    tensors: list[Tensor] = []
    for index, array in enumerate(arrays):
        try:
            tensors.append(as_tensor(array))
        except (TypeError, ValueError) as error:
            raise DataError(f"{name}[{index}]: expected an array of numbers, got {type(array).__name__}: {error}") from None
    return _checked(name, tuple(tensors))


def _checked(name: str, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    lengths = [len(tensor) if tensor.ndim else 0 for tensor in tensors]
    if len(set(lengths)) != 1:
        raise DataError(f"{name}: expected inputs and targets of equal length, got {' and '.join(map(str, lengths))}")
    if lengths[0] == 0:
        raise DataError(f"{name}: expected at least one example, got an empty data set")
    for index, tensor in enumerate(tensors):
        check_finite(f"{name}[{index}]", tensor)
    return tensors


def check_finite(where: str, tensor: Tensor) -> None:
    """Raise DataError if ``tensor`` holds numbers that are not finite, saying how many and where the first one is."""
    if not tensor.is_floating_point() or bool(torch.isfinite(tensor.sum())):
        return
    bad = ~torch.isfinite(tensor)
    if count := int(bad.sum()):
        row = int(bad.reshape(len(tensor), -1).any(1).nonzero()[0])
        raise DataError(f"{where}: expected finite numbers, got {count} that are NaN or infinite, the first in example {row}")


def check_batch(where: str, batch: Batch) -> None:
    """Raise DataError if a tensor of ``batch`` holds numbers that are not finite."""
    for tensor in leaves(batch):
        if tensor.ndim:
            check_finite(where, tensor)


def check_labels(where: str, target: Tensor, outputs: int) -> None:
    """Raise DataError if class indices in ``target`` do not fit a model of ``outputs`` outputs."""
    if target.is_floating_point() or target.numel() == 0:
        return
    # -100 is the index that torch's losses ignore
    labels = target[target != -100]
    if labels.numel() and (int(labels.min()) < 0 or int(labels.max()) >= outputs):
        wrong = int(labels.min()) if int(labels.min()) < 0 else int(labels.max())
        raise DataError(f"{where}: label {wrong} is out of range: the model has {outputs} outputs, labels 0 to {outputs - 1}")


def head(data: Data, count: int) -> Batch:
    """Return the first ``count`` examples as a batch, or None if there is none."""
    if isinstance(data, ItemData):
        items = [data.dataset[index] for index in range(min(count, data.size))]
        return (data.collate or default_collate)(items)
    return next(iter(data.whole(count)), None)
