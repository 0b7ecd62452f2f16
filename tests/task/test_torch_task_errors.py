"""What bad input gets: one error that names the argument, what it was and what it may be."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from trimtab.errors import CheckpointError, DataError, TaskError
from trimtab.space import Bool, Categorical, Float, Int, Settings, Space
from trimtab.task import Goal, Segment, TorchTask

INPUTS, LABELS = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
DATA = (INPUTS, LABELS)


def build_linear(settings):
    return nn.Linear(4, 3)


def make(**options):
    return TorchTask(**{"build": build_linear, "train": DATA, "validation": DATA, **options})


def with_value(value):
    broken = INPUTS.clone()
    broken[7, 2] = value
    return broken, LABELS


def raises(settings):
    raise KeyError("no such layer")


class Empty(IterableDataset):
    def __iter__(self):
        return iter(())


class Listed(Dataset):
    def __init__(self, inputs, labels):
        self.pairs = list(zip(inputs, labels, strict=True))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"train": (INPUTS[:0], LABELS[:0])}, DataError, "train: expected at least one example"),
        ({"validation": TensorDataset(INPUTS[:0])}, DataError, "validation: expected at least one example"),
        ({"test": Listed([], [])}, DataError, "test: expected at least one example"),
        ({"train": (INPUTS, LABELS[:39])}, DataError, "train: expected inputs and targets of equal length, got 40 and 39"),
        ({"train": (INPUTS,)}, DataError, r"train: expected a tuple \(inputs, targets\), got 1"),
        ({"train": INPUTS}, DataError, "train: expected a data set or a tuple"),
        ({"train": None}, DataError, "train: expected a data set or a tuple"),
        ({"train": "digits.csv"}, DataError, "train: expected a data set or a tuple"),
        ({"train": DataLoader(TensorDataset(*DATA))}, DataError, r"give the data set itself, loader\.dataset"),
        ({"train": iter([DATA])}, DataError, "can be read only once"),
        ({"train": (np.array(["a", "b"]), [0, 1])}, DataError, r"train\[0\]: expected an array of numbers"),
        ({"train": with_value(math.nan)}, DataError, r"train\[0\]: .* got 1 that are NaN or infinite, the first in example 7"),
        ({"validation": with_value(math.inf)}, DataError, r"validation\[0\]: expected finite numbers"),
        ({"loss": "cross-entropy"}, TaskError, "loss: expected one of cross_entropy, .* got 'cross-entropy'"),
        ({"loss": 3}, TaskError, "loss: expected one of"),
        ({"segment": "1 hour"}, TaskError, "segment: expected .* got '1 hour'"),
        ({"goal": "f1"}, TaskError, "goal: expected one of the metrics loss, accuracy, error, got 'f1'"),
        ({"goal": Goal("rmse")}, TaskError, "goal: expected one of the metrics"),
        ({"metrics": {"f1": max}, "goal": "f1"}, TaskError, "goal: say which way 'f1' improves"),
        ({"metrics": {"f1": 0.5}}, TaskError, r"metrics\['f1'\]: expected a callable"),
        ({"scores": {"auroc": 0.5}}, TaskError, r"scores\['auroc'\]: expected a callable"),
        ({"scores": {"accuracy": max}}, TaskError, r"scores\['accuracy'\]: .* not named one of loss, accuracy, error"),
        ({"build": "mlp"}, TaskError, "build: expected a callable, got 'mlp'"),
        ({"step": 1}, TaskError, "step: expected a callable"),
        ({"reference": "step"}, TaskError, "reference: expected one of cosine, linear, constant, got 'step'"),
        ({"device": "tpu9"}, TaskError, "device: expected 'cpu', 'cuda' or 'mps'"),
        ({"micro_batch": 0}, TaskError, "micro_batch: expected a positive whole number or None, got 0"),
        ({"evaluation_batch": 2.5}, TaskError, "evaluation_batch: expected"),
        ({"defaults": {"optimizer": "adamm"}}, TaskError, "defaults: optimizer: expected one of sgd, .* got 'adamm'"),
        ({"defaults": {"batch_size": 0}}, TaskError, "defaults: batch_size: expected a number"),
        ({"defaults": {"lrr": 0.1}}, TaskError, "defaults: expected settings out of"),
        ({"setters": {"lr": print}}, TaskError, r"setters\['lr'\]: the task applies lr itself"),
        ({"setters": {"width": 3}}, TaskError, r"setters\['width'\]: expected a callable"),
        ({"pretrained": "nowhere.safetensors"}, TaskError, r"pretrained: nowhere\.safetensors: no such file"),
        ({"pretrained": 7}, TaskError, "pretrained: expected a state_dict or a path, got int"),
    ],
)
def test_an_option_that_cannot_be_is_refused_when_it_is_given(options, error, message):
    with pytest.raises(error, match=message):
        make(**options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"build": raises}, TaskError, r"build: raised KeyError: 'no such layer', with Settings\(lr="),
        ({"build": lambda: nn.Linear(4, 3)}, TaskError, "build: raised TypeError"),
        ({"build": lambda settings: {"layers": 2}}, TaskError, "build: expected it to return a torch.nn.Module, got dict"),
        ({"build": lambda settings: nn.Identity()}, TaskError, "build: the model has no parameters to train"),
        ({"build": lambda settings: nn.Linear(5, 3)}, TaskError, r"cannot take the first examples of train, \(2, 4\)"),
        (
            {"build": lambda settings: nn.Linear(4, 2)},
            DataError,
            "train: label 2 is out of range: the model has 2 outputs, labels 0 to 1",
        ),
        ({"train": (INPUTS, LABELS - 1)}, DataError, "train: label -1 is out of range"),
        ({"validation": (INPUTS, LABELS + 5)}, DataError, "validation: label 7 is out of range"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, TaskError, r"loss: expected a tensor with one element, got \(2,\)"),
        ({"loss": lambda output, target: 0.5}, TaskError, "loss: expected a tensor with one element, got float"),
        ({"loss": "mse"}, TaskError, r"loss: cannot take the model's output and the target, \(2, 3\) and \(2,\)"),
        ({"train": (INPUTS, INPUTS[:, :1])}, TaskError, "loss: cannot take the model's output and the target"),
        (
            {"metrics": {"f1": lambda output, target: output @ target}},
            TaskError,
            r"metrics\['f1'\]: cannot take the model's output",
        ),
        ({"metrics": {"f1": lambda output, target: None}}, TaskError, r"metrics\['f1'\]: cannot take the model's output"),
        ({"train": Empty(), "segment": "3 steps"}, DataError, "train: expected at least one example"),
        ({"pretrained": {"weight": torch.zeros(3, 4)}}, TaskError, "pretrained: .* missing: bias"),
        (
            {"pretrained": {"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}},
            TaskError,
            r"pretrained: .* weight of shape \(3, 5\), expected \(3, 4\)",
        ),
        ({"param_groups": lambda model: model.parameters()}, TaskError, "param_groups: expected it to return a list of dicts"),
        ({"param_groups": lambda model: [{"params": [], "lr": 1.0}]}, TaskError, "param_groups: a group may have .* got lr"),
    ],
)
@pytest.mark.parametrize("moment", ["check", "start"])
def test_a_model_that_cannot_be_trained_is_refused_before_the_first_step(options, error, message, moment):
    task, space = make(**options), Space(lr=Float(0.001, 0.1))
    with pytest.raises(error, match=message):
        task.check(space) if moment == "check" else task.start(space.default(), seed=0)


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        (
            Space(warmup=Float(0.0, 1.0)),
            {},
            r"warmup: a live hyperparameter that the task cannot apply; it knows .*setters={'warmup'",
        ),
        (Space(optimizer=Categorical("adam", "lion")), {}, "optimizer: expected a Categorical of sgd, .* got 'lion'"),
        (Space(optimizer=Bool()), {}, "optimizer: expected a Categorical"),
        (Space(dropout=Float(0.0, 1.5)), {}, r"dropout: expected values in \[0, 1\], got 1.5"),
        (Space(lr=Float(-1.0, 1.0)), {}, "lr: expected values in"),
        (Space(lr=Categorical("low", "high")), {}, "lr: expected values in .* got 'low'"),
        (Space(beta1=Float(0.5, 1.0)), {}, "beta1: expected values in"),
        (Space(batch_size=Int(0, 64)), {}, r"batch_size: expected values in \[1, inf\], got 0"),
        (Space(momentum=Float(0.0, 0.9)), {}, "momentum: has no effect on adam; it is a setting of sgd, rmsprop"),
        (Space(label_smoothing=Float(0.0, 0.5)), {"loss": nn.CrossEntropyLoss()}, "label_smoothing: this task's loss does not"),
        (Space(augmentation=Float(0.0, 0.5)), {}, r"augmentation: nothing to apply it with; give TorchTask\(augment="),
        (Space(lr=Float(0.1, 1.0), learning_rate=Float(0.1, 1.0)), {}, "lr and learning_rate"),
    ],
)
def test_a_hyperparameter_that_cannot_be_applied_is_refused(space, options, message):
    with pytest.raises(TaskError, match=message):
        make(**options).check(space)


def test_a_hyperparameter_that_build_ignores_is_warned_of_once():
    task = make()
    with pytest.warns(UserWarning, match="width: build never reads this hyperparameter") as caught:
        task.check(Space(lr=Float(0.001, 0.1), width=Int(4, 8, live=False)))
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task.start(Settings(lr=0.01, width=4), seed=0)


def test_a_hyperparameter_that_is_read_under_some_settings_is_not_warned_of():
    def build(settings):
        hidden = settings["width"] if settings["depth"] == 3 else 4
        return nn.Sequential(nn.Linear(4, hidden), nn.Linear(hidden, 3))

    make(build=build).check(Space(depth=Int(1, 4, live=False), width=Int(4, 8, live=False)))


def test_dropout_for_a_model_that_drops_nothing_is_warned_of():
    with pytest.warns(UserWarning, match="dropout: the model has no module that drops units"):
        make().check(Space(dropout=Float(0.0, 0.5)))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_labels_out_of_range_in_single_items_are_named_when_they_are_met(split):
    task = make(**{split: Listed(INPUTS, [*LABELS[:-1].tolist(), 9])})
    state = task.start(Settings(), seed=0)
    with pytest.raises(DataError, match=f"{split}: label 9 is out of range"):
        task.advance(state, Segment(Settings(batch_size=8), seed=0, index=0, horizon=1))


def test_single_items_that_are_not_finite_are_told_from_a_divergence():
    task = make(train=Listed(with_value(math.nan)[0], LABELS))
    state = task.start(Settings(), seed=0)
    with pytest.raises(DataError, match="train: expected finite numbers"):
        task.advance(state, Segment(Settings(), seed=0, index=0, horizon=1))


def test_a_loss_that_turns_nan_ends_the_segment_early_and_is_measured():
    steps = []

    def loss(output, target):
        value = nn.functional.cross_entropy(output, target)
        if torch.is_grad_enabled():
            steps.append(1)
            return value * math.nan if len(steps) > 12 else value
        return value

    task = make(loss=loss, segment="80 steps")
    state = task.start(Settings(), seed=0)
    measurement = task.advance(state, Segment(Settings(batch_size=8), seed=0, index=0, horizon=1))
    assert measurement.status == "diverged"
    assert len(steps) == 20
    assert measurement.steps == 20
    assert task.goal.error(measurement.metrics) == math.inf
    assert task.decode(task.encode(state)).epoch == state.epoch


def test_weights_that_are_lost_at_the_last_step_are_a_divergence():
    task = make(segment="1 step")
    settings = Settings(lr=math.inf, optimizer="sgd")
    measurement = task.advance(task.start(settings, seed=0), Segment(settings, seed=0, index=0, horizon=1))
    assert math.isfinite(measurement.train_loss)
    assert measurement.status == "diverged"


def test_a_metric_that_is_not_finite_is_reported_and_is_a_divergence_only_as_the_goal():
    metrics = {"odd": lambda output, target: math.nan}
    one = make(metrics=metrics)
    measured = one.advance(one.start(Settings(), seed=0), Segment(Settings(), seed=0, index=0, horizon=1))
    assert (math.isnan(measured.metrics["odd"]), measured.status) == (True, "finished")
    other = make(metrics=metrics, goal=Goal("odd", scale="linear"))
    measured = other.advance(other.start(Settings(), seed=0), Segment(Settings(), seed=0, index=0, horizon=1))
    assert measured.status == "diverged"


@pytest.mark.parametrize("undefined", [lambda outputs, targets: math.nan, lambda outputs, targets: 1 / 0])
def test_a_score_that_a_split_of_one_class_cannot_have_is_named_with_the_split(undefined):
    task = make(scores={"auroc": undefined}, validation=(INPUTS, torch.ones_like(LABELS)))
    with pytest.raises(TaskError, match=r"scores\['auroc'\]: cannot be computed on the validation split"):
        task.measure(task.start(Settings(), seed=0))


def test_out_of_memory_with_a_single_example_is_an_error_of_the_task():
    class Greedy(nn.Linear):
        def forward(self, inputs):
            if self.training:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 TiB")
            return super().forward(inputs)

    task = make(build=lambda settings: Greedy(4, 3))
    with pytest.raises(TaskError, match="batch_size: out of memory even with one example at a time"):
        task.advance(task.start(Settings(), seed=0), Segment(Settings(), seed=0, index=0, horizon=1))


def test_settings_that_are_not_legal_are_named():
    task = make()
    with pytest.raises(TaskError, match="settings: optimizer: expected one of"):
        task.start(Settings(optimizer="sdg"), seed=0)
    with pytest.raises(TaskError, match="settings: batch_size: expected a number"):
        task.start(Settings(batch_size=0), seed=0)


def test_a_split_that_was_not_given_is_named():
    task = make()
    with pytest.raises(TaskError, match=r"test: expected one of the task's splits, train, validation; give TorchTask\(test="):
        task.evaluate(task.start(Settings(), seed=0), "test")


def test_pickled_weights_are_not_unpickled(tmp_path):
    torch.save({"weight": print}, tmp_path / "evil.pt")
    with pytest.raises(TaskError, match=r"evil\.pt: not plain weights"):
        make(pretrained=tmp_path / "evil.pt")


def test_a_checkpoint_of_another_task_is_refused():
    one, other = make(), make(segment="2 epochs")
    checkpoint = one.encode(one.start(Settings(), seed=0))
    with pytest.raises(CheckpointError, match="of the task torch-"):
        other.decode(checkpoint)


def test_a_checkpoint_for_another_model_is_refused():
    one, other = make(), make(build=lambda settings: nn.Sequential(nn.Linear(4, 3)))
    with pytest.raises(CheckpointError, match="its weights do not fit"):
        other.decode(one.encode(one.start(Settings(), seed=0)))


def test_every_cut_of_a_checkpoint_is_refused():
    task = make()
    state = task.start(Settings(), seed=0)
    task.advance(state, Segment(Settings(), seed=0, index=0, horizon=1))
    whole = task.encode(state)
    for length in range(0, len(whole), 41):
        with pytest.raises(CheckpointError):
            task.decode(whole[:length])
