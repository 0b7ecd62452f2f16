"""A model of one's own as the start of another training."""

import torch

from examples.own_start import pilot, task
from tests.examples.contract import flown


def test_a_study_begins_at_the_model_that_another_found(tmp_path):
    store = tmp_path / "own.db"
    found = task.train_first(store, segments=2)
    begun = task.make_task(start=found).start(task.DEFAULT, seed=1).model
    assert all(torch.equal(value, begun.state_dict()[name]) for name, value in found.load_model().state_dict().items())


def test_what_was_learned_before_helps_at_once(tmp_path):
    found = task.train_first(tmp_path / "own.db", segments=2)
    before, nothing = (
        each.measure(each.start(task.DEFAULT, seed=0)).metrics["loss"]
        for each in (task.make_task(start=found), task.make_task(pretrained=False))
    )
    assert before < 0.8 * nothing


def test_the_first_study_is_not_run_twice(tmp_path):
    store = tmp_path / "own.db"
    assert len(task.train_first(store, segments=2).events) == len(task.train_first(store, segments=2).events)


def test_a_short_steered_run(tmp_path):
    assert flown(pilot, start=str(tmp_path / "own.db"))["accuracy"] > 0.5
