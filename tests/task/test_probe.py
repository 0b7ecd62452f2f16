import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trimtab.task.probe import COORDINATES, Recorder, coordinates, cosine_between, distance, gradient_norm, weight_norm


@given(sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=8))
def test_coordinates_are_evenly_strided_over_all_weights(sizes):
    total = sum(sizes)
    everything = torch.arange(total, dtype=torch.float64)
    chosen = coordinates(list(everything.split(sizes)))
    stride = -(-total // COORDINATES)
    assert chosen.tolist() == everything[::stride].tolist()
    assert len(chosen) <= COORDINATES


def test_norms_are_those_of_all_weights_together():
    one, other = nn.Parameter(torch.tensor([3.0, 0.0])), nn.Parameter(torch.tensor([[4.0]]))
    one.grad = torch.tensor([1.0, 2.0])
    other.grad = torch.tensor([[2.0]])
    assert weight_norm([one, other]) == pytest.approx(5.0)
    assert float(gradient_norm([one, other])) == pytest.approx(3.0)
    assert distance([one, other], [torch.zeros(2), torch.tensor([[4.0]])]) == pytest.approx(3.0)


def test_the_cosine_needs_two_displacements():
    east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    assert cosine_between(east, north) == 0.0
    assert cosine_between(east, -3 * east) == pytest.approx(-1.0)
    assert math.isnan(cosine_between(east, None))
    assert math.isnan(cosine_between(east, torch.zeros(2)))
    assert math.isnan(cosine_between(east, torch.tensor([math.inf, 0.0])))


def test_losses_are_weighted_by_the_size_of_their_batch():
    recorder = Recorder()
    for part, loss, size in ((0, 1.0, 2), (0, 4.0, 1), (1, 5.0, 1)):
        recorder.enter(part)
        recorder.add(torch.tensor(loss), size)
    recorder.flush()
    assert recorder.losses == [2.0, 5.0]
    assert recorder.mean == pytest.approx(11 / 4)
    assert (recorder.steps, recorder.examples, recorder.finite) == (3, 4, True)
    recorder.add(torch.tensor(math.nan), 1)
    recorder.flush()
    assert not recorder.finite
