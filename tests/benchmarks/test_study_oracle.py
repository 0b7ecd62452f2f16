"""The oracles of the study suite: a tree is never worse than greed, and the shares of the gap between them are as they say."""

import math

import pytest
import torch
from torch import nn

from benchmarks import study_oracle
from benchmarks.pilot_suite.losses import Loss
from benchmarks.pilot_suite.task import Data, Split
from benchmarks.study_suite.problems import Problem

EXAMPLES = Split(torch.zeros(64, 1), torch.zeros(64))


class Bowl(nn.Module):
    """Weights that fall into a narrow bowl, with noise where the batch is small: only a rate that rises and falls does well."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([3.0, 3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        loss = self.weights[0] ** 2 + 0.02 * self.weights[1] ** 2
        if self.training:
            loss = loss + (self.weights * torch.randn(2)).sum() / len(x) ** 0.5
        return loss.expand(len(x))


class Narrow(Problem):
    def data(self) -> Data:
        return Data(EXAMPLES, EXAMPLES, EXAMPLES)

    def build(self, settings):
        return Bowl()


NARROW = Narrow("narrow", "test", None, None, Loss(lambda out, _: out.mean(), lambda *_: 1.0), segment=64)


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_is_never_worse_than_greed(seed: int) -> None:
    greedy = study_oracle.greedy(study_oracle.root(NARROW, seed), length=5)
    narrow, wide = (study_oracle.tree(study_oracle.root(NARROW, seed), length=5, width=width) for width in (1, 12))
    assert narrow == greedy
    assert wide <= greedy < 9.18


def test_a_population_ends_lower_than_it_began() -> None:
    assert study_oracle.population(study_oracle.root(NARROW, 0), 0, length=5) < 9.18


def test_a_branch_leaves_what_it_came_from_as_it_was() -> None:
    root = study_oracle.root(NARROW, 0)
    one, other = root.after({"lr": 3.0}), root.after({"lr": 3.0})
    assert one.last == other.last
    assert one.rate == pytest.approx(3 * root.rate)
    assert math.isinf(root.last)


def test_shares_of_the_gap() -> None:
    assert study_oracle.closed(2.0, 2.0, 1.0) == 0.0
    assert study_oracle.closed(1.0, 2.0, 1.0) == 1.0
    assert study_oracle.closed(4.0, 2.0, 1.0) == pytest.approx(-1.0)
