"""Which examples make up which batch. The order of epoch k depends on the run's seed and on k alone.

So segments shorter or longer than an epoch, batch sizes that change and forks all see every example once an epoch, and
siblings see them in the same order. These functions are plain PyTorch: an exported schedule contains their source.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from trimtab.seeds import derive

Batch: TypeAlias = Any
"""What the data set's examples collate to: tensors in a tuple, list or dict."""
Range: TypeAlias = tuple[int, int, int]
"""One batch: (epoch, start, stop), positions in the epoch's order."""
Collate: TypeAlias = Callable[[list[Any]], Batch]

BLOCK_BYTES = 2**25
"""How much of a data set is gathered at a time: large enough to make single batches free, small enough for any memory."""


@dataclass(frozen=True, slots=True)
class Span:
    """What one segment trains on: from ``offset`` in ``epoch`` on, so many ``examples`` or ``steps`` (the other is None)."""

    run_seed: int
    epoch: int
    offset: int
    batch_size: int
    examples: int | None
    steps: int | None


@dataclass(frozen=True, slots=True)
class Draw:
    """The batches of a span, each with its epoch and where in the epoch it ends; ``total`` of steps or of examples."""

    batches: Iterator[tuple[int, int, Batch]]
    total: int
    counts_steps: bool


def permutation(size: int, run_seed: int, epoch: int) -> Tensor:
    """Return the order of the examples in ``epoch``, shape (size,), int64."""
    return torch.randperm(size, generator=torch.Generator().manual_seed(derive(run_seed, "epoch", epoch)))


def batch_ranges(size: int, span: Span) -> list[Range]:
    """Return the batches of ``span``. The last of an epoch is short; a single last example joins the batch before it.

    >>> batch_ranges(9, Span(run_seed=0, epoch=0, offset=0, batch_size=4, examples=None, steps=3))
    [(0, 0, 4), (0, 4, 9), (1, 0, 4)]
    """
    ranges: list[Range] = []
    position, wanted = span.epoch * size + span.offset, span.examples or 0
    while len(ranges) < span.steps if span.steps is not None else wanted > 0:
        epoch, start = divmod(position, size)
        left = size - start if span.steps is not None else min(size - start, wanted)
        # batch normalisation cannot train on a batch of one, so that no epoch may leave one over
        if size - start - left == 1:
            left += 1
        taken = left if left - span.batch_size == 1 and span.batch_size > 1 else min(span.batch_size, left)
        ranges.append((epoch, start, start + taken))
        position, wanted = position + taken, wanted - taken
    return ranges


def draw_tensors(tensors: Sequence[Tensor], span: Span) -> Draw:
    """Return the batches of ``span`` from whole tensors, gathered in large blocks: no batch costs more than a view."""
    size = len(tensors[0])
    ranges = batch_ranges(size, span)
    return Draw(_gather(tensors, ranges, span.run_seed), len(ranges), counts_steps=True)


def _gather(tensors: Sequence[Tensor], ranges: list[Range], run_seed: int) -> Iterator[tuple[int, int, Batch]]:
    size = len(tensors[0])
    row = sum(tensor.nbytes for tensor in tensors) // size + 1
    for epoch, of_epoch in itertools.groupby(ranges, key=lambda item: item[0]):
        order = permutation(size, run_seed, epoch)
        members = list(of_epoch)
        per_block = max(1, BLOCK_BYTES // (row * (members[0][2] - members[0][1])))
        for first in range(0, len(members), per_block):
            block = members[first : first + per_block]
            chosen = order[block[0][1] : block[-1][2]].to(tensors[0].device)
            lengths = [stop - start for _, start, stop in block]
            parts = zip(*(tensor[chosen].split(lengths) for tensor in tensors), strict=True)
            for (_, _, stop), batch in zip(block, parts, strict=True):
                yield epoch, stop, batch


def draw_items(dataset: Any, span: Span, *, collate: Collate | None = None, workers: int = 0, pin_memory: bool = False) -> Draw:
    """Return the batches of ``span`` from a map-style data set, through a DataLoader made for them."""
    size = len(dataset)
    ranges = batch_ranges(size, span)
    orders = {epoch: permutation(size, span.run_seed, epoch).tolist() for epoch in {item[0] for item in ranges}}
    loader: Iterable[Batch] = DataLoader(
        dataset,
        batch_sampler=[orders[epoch][start:stop] for epoch, start, stop in ranges],
        collate_fn=collate,
        num_workers=workers,
        pin_memory=pin_memory,
        # its own generator: otherwise the loader takes a number from the global one, and workers differ from no workers
        generator=torch.Generator().manual_seed(derive(span.run_seed, "loader", ranges[0][0], ranges[0][1])),
    )
    batches = ((epoch, stop, batch) for (epoch, _, stop), batch in zip(ranges, loader, strict=True))
    return Draw(batches, len(ranges), counts_steps=True)


def draw_stream(stream: Iterable[Any], span: Span, *, collate: Collate) -> Draw:
    """Return the batches of ``span`` from an iterable, whose place is found again by skipping what was already seen."""
    total = span.steps if span.steps is not None else span.examples
    return Draw(_stream(stream, span, collate), total or 1, counts_steps=span.steps is not None)


def _stream(stream: Iterable[Any], span: Span, collate: Collate) -> Iterator[tuple[int, int, Batch]]:
    epoch, offset = span.epoch, span.offset
    steps, wanted = span.steps, span.examples
    while (steps if steps is not None else wanted or 0) > 0:
        if hasattr(stream, "set_epoch"):
            stream.set_epoch(epoch)  # pyright: ignore[reportAttributeAccessIssue]  # a convention of data sets, not a type
        items = itertools.islice(iter(stream), offset, None)
        began, ahead = offset, list(itertools.islice(items, span.batch_size + 1))
        while ahead and (steps if steps is not None else wanted or 0) > 0:
            ahead += itertools.islice(items, span.batch_size + 2 - len(ahead))
            taken = min(span.batch_size, len(ahead), wanted if wanted is not None else len(ahead))
            # as in batch_ranges: a single last example joins the batch before it
            if len(ahead) - taken == 1 and span.batch_size > 1:
                taken += 1
            batch, ahead, offset = collate(ahead[:taken]), ahead[taken:], offset + taken
            steps, wanted = steps and steps - 1, wanted and wanted - taken
            yield epoch, offset, batch
        if offset == 0 and began == 0:
            return
        if not ahead:
            epoch, offset = epoch + 1, 0
