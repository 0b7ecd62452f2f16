"""A DataLoader whose batch size may change between epochs."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, TypeVar

from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler

from trimtab.errors import PilotError

Example = TypeVar("Example", covariant=True)


class LiveLoader(DataLoader[Example]):
    """A DataLoader like any other, but for ``set_batch_size``: what is set holds from the next epoch on.

    ``bounds``: the smallest and the largest batch size that a Pilot may set. ``options``: what a DataLoader takes.

    >>> import torch
    >>> loader = LiveLoader(torch.arange(8), batch_size=2, bounds=(2, 8))
    >>> loader.set_batch_size(4)
    >>> [len(batch) for batch in loader]
    [4, 4]
    """

    def __init__(
        self,
        dataset: Dataset[Example],
        *,
        batch_size: int,
        bounds: tuple[int, int],
        shuffle: bool = False,
        sampler: Sampler[int] | None = None,
        drop_last: bool = False,
        **options: Any,
    ) -> None:
        if sampler is not None and shuffle:
            raise PilotError("shuffle: expected False beside a sampler, which sets the order by itself, got True")
        low, high = bounds
        if not 1 <= low < high:
            raise PilotError(f"bounds: expected two batch sizes from 1 up, the smaller first, got {bounds!r}")
        self.bounds = (low, high)
        if sampler is None:
            if not isinstance(dataset, Sized):
                raise PilotError(f"dataset: expected one with a length, or a sampler beside it, got {dataset!r}")
            sampler = RandomSampler(dataset, generator=options.get("generator")) if shuffle else SequentialSampler(dataset)
        self._batches = BatchSampler(sampler, _checked(batch_size, self.bounds), drop_last)
        super().__init__(dataset, batch_sampler=self._batches, **options)

    @property
    def live_batch_size(self) -> int:
        """The batch size of the next epoch; ``batch_size`` is None, as of every DataLoader with a batch sampler."""
        return self._batches.batch_size

    def set_batch_size(self, batch_size: int) -> None:
        """Set the batch size from the next epoch on."""
        self._batches.batch_size = _checked(batch_size, self.bounds)


def _checked(batch_size: int, bounds: tuple[int, int]) -> int:
    if not isinstance(batch_size, int) or not bounds[0] <= batch_size <= bounds[1]:
        raise PilotError(f"batch_size: expected a whole number in [{bounds[0]}, {bounds[1]}], got {batch_size!r}")
    return batch_size
