"""A Cox network: its loss by hand, and its concordance beside that of the classic model."""

import math

import numpy as np
import pytest
import torch

pytest.importorskip("sksurv")

from sksurv.linear_model import CoxPHSurvivalAnalysis

from examples.survival import pilot, task
from tests.examples.contract import flown, tried


def test_a_study_ranks_patients_as_the_classic_model_does(tmp_path):
    train, _, test = task.load_splits()

    def outcomes(part):
        days, died = part.tensors[1].numpy().T
        return np.array([*zip(died.astype(bool), days, strict=True)], dtype=[("died", bool), ("days", float)])

    classic = CoxPHSurvivalAnalysis(alpha=1.0).fit(train.tensors[0].numpy(), outcomes(train))
    expected = classic.score(test.tensors[0].numpy(), outcomes(test))
    assert tried(task, tmp_path, segments=20).evaluate_on_test()["concordance"] > expected - 0.06


def test_a_short_steered_run_has_figures_with_an_interval():
    metrics = flown(pilot, epochs=4)
    assert 0.5 < metrics["concordance_low"] < metrics["concordance"] < metrics["concordance_high"]


def test_the_loss_is_the_partial_likelihood_of_those_who_died():
    # patient 0 dies first of three, patient 1 is lost from sight, patient 2 dies alone
    risks, targets = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    expected = (math.log(math.e + 1 + math.e**2) - 1) / 2
    assert float(task.cox_loss(risks, targets)) == pytest.approx(expected)


def test_concordance_is_of_pairs_that_can_be_compared():
    targets = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    assert task.concordance(torch.tensor([3.0, 1.0, 2.0]), targets) == 1.0
    assert task.concordance(torch.tensor([1.0, 3.0, 2.0]), targets) == 0.0
