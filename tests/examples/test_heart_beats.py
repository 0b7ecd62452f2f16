"""Beats of an ECG: few are abnormal, and they are found."""

import pytest
import torch

pytest.importorskip("wfdb")

from examples.heart_beats import pilot, task
from tests.examples.contract import flown, needs, tried

pytestmark = needs("ecg")


def test_a_short_study_finds_abnormal_beats(tmp_path):
    assert tried(task, tmp_path, segments=6).evaluate_on_test()["auroc"] > 0.8


def test_a_short_steered_run_has_figures_with_intervals():
    metrics = flown(pilot)
    for name in ("average_precision", "auroc"):
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]


def test_each_part_has_its_share_of_the_few_abnormal_beats():
    counts = [int(part.tensors[1].sum()) for part in task.load_splits()]
    assert sum(counts) == 34
    assert counts == [17, 7, 10]


def test_an_abnormal_beat_counts_twenty_times():
    outputs = torch.zeros(1, 1)
    ratio = task.weighted_loss(outputs, torch.ones(1)) / task.weighted_loss(outputs, torch.zeros(1))
    assert ratio == pytest.approx(20.0)
