"""The splits of a task: where they lie, a first look at them, and what can be found wrong with them later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from trimtab.errors import TaskError
from trimtab.task.batches import Batch, Span
from trimtab.task.data import Data, Loading, TensorData, as_data, check_batch, check_labels, head
from trimtab.task.nest import leaves
from trimtab.task.randomness import seeded

EVALUATION_BYTES = 2**24
"""Inputs of at most this many bytes are evaluated at once."""


class Splits:
    """The data by split; whole tensors are copied to the device once, when they are first used there."""

    def __init__(self, given: Mapping[str, object], loading: Loading, device: torch.device) -> None:
        self.data: dict[str, Data] = {name: as_data(name, data, loading) for name, data in given.items()}
        self.device = device
        self._placed: dict[str, Data] = {}
        self._scanned = False
        self._example_bytes: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        # what lies on a device is placed there again by whoever unpickles this
        return {**self.__dict__, "_placed": {}}

    def __getitem__(self, split: str) -> Data:
        """Return the data of ``split``, on the device if it is whole tensors; raise TaskError if there is none."""
        if split not in self.data:
            raise TaskError(f"{split}: expected one of the task's splits, {', '.join(self.data)}; give TorchTask({split}=...)")
        data = self.data[split]
        if self.device.type == "cpu" or not isinstance(data, TensorData):
            return data
        if split not in self._placed:
            self._placed[split] = TensorData(tuple(tensor.to(self.device) for tensor in data.tensors))
        return self._placed[split]

    @property
    def sizes(self) -> dict[str, int | None]:
        return {name: data.size for name, data in self.data.items()}

    def head(self, split: str, count: int) -> Batch:
        """Return the first ``count`` examples of ``split`` as a batch, None if there are none."""
        # seeded, for examples may draw from the global generator, and a look at them must not be felt by what follows
        with seeded(0, self.device):
            return head(self.data[split], count)

    def evaluation_batch(self) -> int:
        """Return how many examples are evaluated at once."""
        if self._example_bytes is None:
            self._example_bytes = max(1, sum(tensor.nbytes for tensor in leaves(self.head("validation", 1))))
        # large enough to cost little, small enough for what a convolution keeps of each example
        return min(4096, max(64, EVALUATION_BYTES // self._example_bytes))

    def check_labels(self, outputs: int) -> None:
        """Raise DataError if whole tensors of labels do not fit a model of ``outputs`` outputs."""
        for name, data in self.data.items():
            if isinstance(data, TensorData):
                check_labels(name, data.tensors[-1], outputs)

    def scan(self, span: Span) -> None:
        """Raise DataError if it is single examples, not the training, that are not finite. Once: it reads ``span`` again."""
        if self._scanned:
            return
        for name in ("train", "validation"):
            data = self.data[name]
            if isinstance(data, TensorData):
                continue
            for batch in (drawn[2] for drawn in data.draw(span).batches) if name == "train" else data.whole(span.batch_size):
                check_batch(name, batch)
        self._scanned = True
