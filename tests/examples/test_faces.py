"""Faces from twenty pictures: a pretrained net, and the same from nothing."""

from importlib.util import find_spec

import pytest
import torch

from tests.examples.contract import flown, tried

if find_spec("facenet_pytorch") is None or find_spec("skimage") is None:
    pytest.skip("needs RNet and the pictures: make .venv/ready", allow_module_level=True)

from examples.faces import pilot, task


def test_a_short_study_finds_faces(tmp_path):
    assert tried(task, tmp_path).evaluate_on_test()["accuracy"] > 0.95


def test_a_short_steered_run_finds_faces():
    assert flown(pilot)["accuracy"] > 0.95


def test_from_nothing_twenty_pictures_do_not_suffice():
    assert pilot.fly(0, epochs=2, pretrained=False)["accuracy"] < 0.9


def test_the_pretrained_layers_learn_at_their_own_rate():
    state = task.make_task().start(task.DEFAULT, seed=0)
    head, below = state.optimizer.param_groups
    assert below["lr_multiplier"] == task.DEFAULT["encoder_rate"]
    assert sum(len(group["params"]) for group in (head, below)) == len([*state.model.parameters()])


def test_every_run_starts_from_the_pretrained_weights():
    weights = task.read_weights()
    model = task.make_task().start(task.DEFAULT, seed=3).model.state_dict()
    assert all(torch.equal(model[name], value) for name, value in weights.items())


def test_parts_are_20_60_and_120_pictures():
    assert [len(part) for part in task.load_splits(1)] == [20, 60, 120]


def test_without_the_wheel_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(task, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match="pip install --no-deps facenet-pytorch"):
        task.read_weights()
