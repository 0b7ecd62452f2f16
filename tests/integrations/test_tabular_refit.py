"""What a study of a table found is learned again from all rows, and averaged."""

import pytest
import torch
from sklearn.datasets import load_diabetes
from torch import nn

import trimtab as tt
from trimtab.integrations.tabular.refit import Mean, affordable, refitted
from trimtab.space import Settings
from trimtab.study.schedule import Schedule
from trimtab.task import Segment
from trimtab.task.torch_task import TorchTask


def schedule(lr: float, segments: int = 2) -> Schedule:
    """Return the schedule of a run at one rate."""
    settings = Settings(lr=lr, batch_size=8, optimizer="sgd")
    return Schedule(7, segments, tuple(Segment(settings, index, index, segments) for index in range(segments)))


def line(_: Settings) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))


def task() -> TorchTask:
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    return TorchTask(build=line, train=(x, x[:, 0]), validation=(x, x[:, 0]), loss="mse")


@pytest.mark.parametrize(("segments", "nets"), [(20, 0), (59, 0), (60, 1), (120, 2), (180, 3), (1000, 3)])
def test_at_most_a_third_of_the_budget_goes_into_it(segments, nets):
    assert affordable(segments, 20) == nets


def test_each_net_begins_at_other_weights_and_learns():
    nets = refitted(task(), schedule(0.1, segments=10), 3)
    weights = [net[0].weight for net in nets]
    assert len(nets) == 3
    assert not torch.equal(weights[0], weights[1])
    assert all(torch.allclose(each, torch.tensor([[1.0, 0.0]]), atol=0.2) for each in weights)


def test_a_net_that_diverges_is_left_out():
    assert refitted(task(), schedule(1e30), 3) == []


def test_the_mean_is_of_numbers_or_of_probabilities():
    nets = [nn.Linear(4, 3), nn.Linear(4, 3)]
    x = torch.randn(5, 4)
    one, other = (net(x) for net in nets)
    assert torch.allclose(Mean(nets, classes=False)(x), (one + other) / 2, atol=1e-6)
    middle = (one.softmax(1) + other.softmax(1)) / 2
    assert torch.allclose(Mean(nets, classes=True)(x).softmax(1), middle, atol=1e-6)


def test_classes_that_all_nets_are_sure_against_stay_finite():
    sure = nn.Linear(1, 2)
    with torch.no_grad():
        sure.weight.copy_(torch.tensor([[1e3], [-1e3]]))
    assert Mean([sure, sure], classes=True)(torch.ones(1, 1)).isfinite().all()


def test_a_limited_model_stays_one_net():
    rows, numbers = load_diabetes(return_X_y=True)
    model = tt.TabularRegressor(segments=120, limits={"parameters": 1000}, random_state=0).fit(rows[:100], numbers[:100])
    assert len(model.model_.nets) == 1
    assert sum(each.numel() for each in model.model_.parameters()) <= 1000
