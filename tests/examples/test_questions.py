"""TREC questions: both models learn them."""

from examples.questions import pilot, task
from tests.examples.contract import flown, needs, tried

pytestmark = needs("qc")


def test_a_short_study_learns_what_is_asked_for(tmp_path):
    assert tried(task, tmp_path).evaluate_on_test()["accuracy"] > 0.5


def test_a_short_steered_run_learns_what_is_asked_for():
    metrics = flown(pilot)
    assert metrics["accuracy"] > 0.4
    assert 0 < metrics["macro_f1"] < 1


def test_no_question_is_in_two_parts_and_all_classes_are_in_each():
    train, validation, test = task.load_splits()
    assert [len(part) for part in (train, validation, test)] == [4702, 750, 500]
    assert all(part.tensors[1].unique().tolist() == [0, 1, 2, 3, 4, 5] for part in (train, validation, test))


def test_both_models_can_be_built():
    for model in ("bag", "convolution"):
        built = task.build_model({**task.DEFAULT, "model": model})
        assert built(task.load_splits()[0].tensors[0][:3]).shape == (3, 6)
