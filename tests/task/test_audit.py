"""Poor data are told of before a training: each kind, and none where there is nothing to tell."""

import pytest
import torch
from sklearn.datasets import load_digits

from trimtab.task.audit import audit


@pytest.fixture(scope="module")
def digits():
    pixels, labels = load_digits(return_X_y=True)
    inputs, targets = torch.tensor(pixels, dtype=torch.float32), torch.tensor(labels)
    return {"train": (inputs[:1200], targets[:1200]), "validation": (inputs[1200:], targets[1200:])}


def told(splits):
    return {concern.about: concern.text for concern in audit(splits)}


def spoiled(targets, share):
    generator = torch.Generator().manual_seed(0)
    wrong = torch.rand(len(targets), generator=generator) < share
    return torch.where(wrong, torch.randint(10, targets.shape, generator=generator), targets)


def test_of_good_data_nothing_is_told(digits):
    assert told(digits) == {}


@pytest.mark.parametrize(("share", "low", "high"), [(0.2, 10, 26), (0.4, 25, 46)])
def test_wrong_labels_are_told_of_in_about_their_share(digits, share, low, high):
    inputs, targets = digits["train"]
    text = told({**digits, "train": (inputs, spoiled(targets, share))})["labels"]
    assert low <= int(text.split("%")[0]) <= high


def test_copies_are_counted(digits):
    inputs, targets = digits["train"]
    twice = (torch.cat([inputs, inputs[:100]]), torch.cat([targets, targets[:100]]))
    assert told({**digits, "train": twice}) == {"repeats": "100 of 1300 training examples are copies of others"}


def test_a_leak_is_told_of(digits):
    inputs, targets = digits["train"]
    leaked = (torch.cat([digits["validation"][0], inputs[:50]]), torch.cat([digits["validation"][1], targets[:50]]))
    assert told({**digits, "validation": leaked}) == {"leak": "50 of 647 validation examples are in train too"}


def test_rare_and_absent_classes_are_told_of(digits):
    inputs, targets = digits["train"]
    rare = (targets != 7) | (torch.arange(len(targets)) < 60)
    held_inputs, held_targets = digits["validation"]
    found = told(
        {
            "train": (inputs[rare], targets[rare]),
            "validation": (held_inputs[held_targets != 3], held_targets[held_targets != 3]),
        }
    )
    assert found["rare class"].startswith("class 7 has ")
    assert found["absent class"] == "validation has no example of class 3"


def test_labels_that_nearness_says_nothing_of_are_left_alone():
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(500, 20, generator=generator), torch.randint(2, (500,), generator=generator)
    assert "labels" not in told({"train": (inputs, targets), "validation": (inputs[:0], targets[:0])})


def test_numbers_as_targets_have_neither_classes_nor_labels():
    inputs = torch.arange(60.0).reshape(30, 2)
    assert told({"train": (inputs, inputs[:, 0]), "validation": (inputs + 100, inputs[:, 1])}) == {}
