"""Chest X-rays: the net learns them, and its figures are those of the field."""

import pytest
import torch

from examples.chest_xrays import pilot, task
from tests.examples.contract import flown, needs, tried

pytestmark = needs("pneumonia")


def test_a_short_study_tells_sick_from_healthy(tmp_path):
    assert tried(task, tmp_path).evaluate_on_test()["auroc"] > 0.8


def test_a_short_steered_run_gives_an_interval_that_holds_the_figure():
    metrics = flown(pilot)
    assert metrics["auroc_low"] < metrics["auroc"] < metrics["auroc_high"]
    assert metrics["auroc"] > 0.7


def test_calibration_error_is_the_distance_of_said_from_seen():
    sure, unsure = torch.full((10, 1), 20.0), torch.zeros(10, 1)
    targets = torch.tensor([1.0] * 8 + [0.0] * 2)
    assert task.calibration_error(sure, targets) == pytest.approx(0.2)
    assert task.calibration_error(unsure, targets) == pytest.approx(0.3)


def test_the_splits_are_those_of_the_subset_and_share_no_picture():
    parts = task.load_splits()
    assert [len(part) for part in parts] == [2428, 270, 468]
    seen = [{picture.numpy().tobytes() for picture in part.tensors[0]} for part in parts]
    assert not seen[0] & seen[2]
