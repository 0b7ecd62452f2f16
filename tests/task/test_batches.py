import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import TensorDataset, default_collate

from trimtab.errors import TaskError
from trimtab.task.batches import Span, batch_ranges, draw_items, draw_stream, draw_tensors, permutation
from trimtab.task.length import Length, parse_length
from trimtab.task.reference import constant, cosine


def chain(size, amounts, batch_sizes, draw=None):
    """Follow a run through segments; return its batches as (epoch, start, stop)."""
    epoch = offset = 0
    ranges = []
    for amount, batch_size in zip(amounts, batch_sizes, strict=True):
        found = batch_ranges(size, Span(1, epoch, offset, batch_size, amount, None))
        ranges += found
        epoch, _, offset = found[-1]
    return ranges


@given(
    size=st.integers(2, 200),
    segments=st.lists(st.tuples(st.integers(1, 150), st.integers(1, 70)), min_size=1, max_size=12),
)
def test_segments_of_any_length_and_batch_size_show_every_example_once_an_epoch(size, segments):
    ranges = chain(size, *zip(*segments, strict=True))
    for (epoch, _, stop), (later, start, _) in itertools.pairwise(ranges):
        assert (later, start) == ((epoch, stop) if stop < size else (epoch + 1, 0))
    assert ranges[0][:2] == (0, 0)
    assert all(start < stop <= size for _, start, stop in ranges)


@given(size=st.integers(2, 300), batch_size=st.integers(2, 70), amount=st.integers(2, 400), count=st.integers(1, 8))
def test_no_batch_of_one_is_left_over(size, batch_size, amount, count):
    ranges = chain(size, [amount] * count, [batch_size] * count)
    inside = [stop - start for _, start, stop in ranges if stop == size]
    assert 1 not in inside
    assert max(stop - start for _, start, stop in ranges) <= batch_size + 1


@given(size=st.integers(1, 300), batch_size=st.integers(1, 70), steps=st.integers(1, 40), offset=st.integers(0, 299))
def test_a_segment_in_steps_has_that_many_batches(size, batch_size, steps, offset):
    assert len(batch_ranges(size, Span(0, 0, offset % size, batch_size, None, steps))) == steps


@given(size=st.integers(1, 300), seed=st.integers(0, 2**40), epoch=st.integers(0, 50))
def test_the_order_of_an_epoch_is_a_permutation_fixed_by_seed_and_epoch(size, seed, epoch):
    order = permutation(size, seed, epoch)
    assert sorted(order.tolist()) == list(range(size))
    assert order.equal(permutation(size, seed, epoch))


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(2, 60),
    batch_size=st.integers(1, 20),
    offset=st.integers(0, 59),
    amount=st.one_of(st.tuples(st.integers(1, 120), st.none()), st.tuples(st.none(), st.integers(1, 12))),
)
def test_whole_tensors_and_single_items_give_the_same_batches(size, batch_size, offset, amount):
    data = TensorDataset(torch.arange(size) * 1.0, torch.arange(size))
    span = Span(5, 1, offset % size, batch_size, *amount)
    fast, slow = list(draw_tensors(data.tensors, span).batches), list(draw_items(data, span).batches)
    assert [(epoch, stop) for epoch, stop, _ in fast] == [(epoch, stop) for epoch, stop, _ in slow]
    for (_, _, one), (_, _, other) in zip(fast, slow, strict=True):
        assert all(a.equal(b) for a, b in zip(one, other, strict=True))


class Numbers:
    def __init__(self, size):
        self.size = size

    def __iter__(self):
        return iter(range(self.size))


@settings(deadline=None)
@given(size=st.integers(2, 60), segments=st.lists(st.tuples(st.integers(1, 40), st.integers(2, 20)), min_size=1, max_size=8))
def test_a_stream_goes_on_where_it_was(size, segments):
    epoch = offset = 0
    seen = []
    for amount, batch_size in segments:
        span = Span(0, epoch, offset, batch_size, amount, None)
        for epoch, offset, batch in draw_stream(Numbers(size), span, collate=default_collate).batches:  # noqa: B007  used by the next span
            seen += batch.tolist()
    assert seen == [index % size for index in range(len(seen))]
    assert sum(amount for amount, _ in segments) <= len(seen) <= sum(amount for amount, _ in segments) + len(segments)


def test_an_empty_stream_gives_no_batch():
    assert list(draw_stream(Numbers(0), Span(0, 0, 0, 4, 10, None), collate=default_collate).batches) == []


def test_lengths_are_read_as_they_are_written():
    assert parse_length("1 epoch") == Length(1.0, "epoch")
    assert parse_length(" 0.5 epochs ").count(1001) == (500, None)
    assert parse_length("200 steps").count(None) == (None, 200)
    assert parse_length("5000 examples").count(10) == (5000, None)
    assert str(parse_length("1 epochs")) == "1 epoch"


@pytest.mark.parametrize("text", ["", "epoch", "0 epochs", "-1 epoch", "1.5 steps", "2 minutes", "1e3 steps", 5, None])
def test_a_length_that_is_none_is_named(text):
    with pytest.raises(TaskError, match="segment: expected"):
        parse_length(text)


def test_an_epoch_of_a_stream_without_length_is_not_a_length():
    with pytest.raises(TaskError, match="no __len__"):
        parse_length("1 epoch").count(None)


def test_the_cosine_falls_from_one_to_zero():
    values = [cosine(index / 100) for index in range(101)]
    assert values[0] == 1.0
    assert values[-1] == 0.0
    assert values == sorted(values, reverse=True)
    assert cosine(1 / 3) == pytest.approx(0.75)
    assert constant(0.7) == 1.0
