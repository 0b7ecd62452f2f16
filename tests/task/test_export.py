"""An exported schedule is a plain PyTorch program that trains the same weights, bit for bit, where trimtab is not."""

import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from trimtab.errors import TaskError
from trimtab.space import Settings
from trimtab.task import Segment, TorchTask

USER = """
from pathlib import Path

import torch
import numpy as np
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset, IterableDataset

with np.load(Path(__file__).with_name("digits.npz")) as digits:
    inputs, labels = digits["inputs"], digits["labels"]
train_set, validation_set = (inputs[:300] / 16, labels[:300]), (inputs[1500:] / 16, labels[1500:])


def build_model(settings):
    width = settings["width"]
    return nn.Sequential(nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 10))


def noise(inputs, strength, generator):
    return inputs + strength * torch.randn(inputs.shape, generator=generator)


def step(model, batch):
    return functional.cross_entropy(model(batch[0]), batch[1])


def slope(model, value):
    model[2] = nn.LeakyReLU(value)


setters = {"slope": slope}


def groups(model):
    return [{"params": model[0].parameters(), "lr_multiplier": 0.5}, {"params": model[1:].parameters()}]


class Items(Dataset):
    def __len__(self):
        return 300

    def __getitem__(self, index):
        return torch.tensor(train_set[0][index], dtype=torch.float32) + 0.1 * torch.randn(64), int(train_set[1][index])


class Stream(IterableDataset):
    def __iter__(self):
        for pixels, label in zip(*train_set):
            yield torch.tensor(pixels, dtype=torch.float32), int(label)


items, stream = Items(), Stream()
"""


@pytest.fixture
def user(tmp_path, monkeypatch):
    """Return a module of the user's that lies in a file of its own."""
    path = tmp_path / "users_training.py"
    path.write_text(USER)
    inputs, labels = load_digits(return_X_y=True)
    np.savez(tmp_path / "digits.npz", inputs=inputs, labels=labels)
    spec = importlib.util.spec_from_file_location("users_training", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "users_training", module)
    spec.loader.exec_module(module)
    return module


STEADY = Settings(lr=0.01, batch_size=64, optimizer="adam", width=16, dropout=0.3)
RICH = Settings(lr=0.02, batch_size=50, optimizer="adamw", width=12, dropout=0.1, weight_decay=0.1, slope=0.1)
RICH = RICH.replace(label_smoothing=0.1, gradient_clip=0.5, augmentation=0.2)


def options_of(user, form):
    train = {"tensors": user.train_set, "items": user.items, "stream": user.stream, "own step": user.train_set}[form]
    options = {"build": user.build_model, "train": train, "validation": user.validation_set}
    rich = {"augment": user.noise, "setters": user.setters, "param_groups": user.groups, "micro_batch": 32}
    return {
        "tensors": {**options, **rich, "segment": "0.7 epochs"},
        "items": {**options, "segment": "5 steps", "reference": "constant"},
        "stream": {**options, "segment": "200 examples"},
        "own step": {**options, "step": user.step, "amp": True},
    }[form]


def path_of(form):
    settings = [RICH, RICH.replace(optimizer="sgd", lr=0.1), RICH.replace(optimizer="rmsprop"), RICH]
    settings = settings if form == "tensors" else [STEADY, STEADY.replace(lr=0.02, batch_size=20), STEADY]
    return [Segment(one, seed=50 + index, index=index, horizon=5) for index, one in enumerate(settings)]


FORMS = ("tensors", "items", "stream", "own step")
WITHOUT_TRIMTAB = """
import os, runpy, sys
sys.modules["trimtab"] = None
for form in sys.argv[1:]:
    os.chdir(form)
    runpy.run_path("schedule.py", run_name="__main__")
    os.chdir("..")
"""


def test_the_program_trains_the_same_weights_without_trimtab(user, tmp_path):
    states = {}
    for form in FORMS:
        task, segments = TorchTask(**options_of(user, form)), path_of(form)
        states[form] = task.start(segments[0].settings, seed=11)
        for segment in segments:
            task.advance(states[form], segment)
        (tmp_path / form).mkdir()
        (tmp_path / form / "schedule.py").write_text(task.export(11, segments))
    # one process for all: most of the time goes into importing torch
    subprocess.run([sys.executable, "-c", WITHOUT_TRIMTAB, *FORMS], cwd=tmp_path, check=True, capture_output=True, text=True)
    for form, state in states.items():
        trained = torch.load(tmp_path / form / "model.pt", weights_only=True)
        for name, value in state.model.state_dict().items():
            assert value.equal(trained[name]), (form, name)


def test_the_program_starts_from_the_same_pretrained_weights(user, tmp_path):
    weights = TorchTask(**options_of(user, "items")).start(STEADY, seed=9).model.state_dict()
    task = TorchTask(**options_of(user, "items"), pretrained=weights)
    (tmp_path / "exported.py").write_text(task.export(0, path_of("items")[:1]))
    state = task.start(STEADY, seed=0)
    task.advance(state, path_of("items")[0])
    trained = runpy.run_path(str(tmp_path / "exported.py"), run_name="exported")["train"](
        user.build_model, user.items, pretrained=weights
    )
    for name, value in state.model.state_dict().items():
        assert value.equal(trained.state_dict()[name]), name


def test_the_program_says_how_to_call_it_where_it_cannot_find_the_build():
    task = TorchTask(
        build=lambda settings: torch.nn.Linear(2, 2),
        train=(torch.randn(8, 2), torch.zeros(8, dtype=torch.long)),
        validation=(torch.randn(8, 2), torch.zeros(8, dtype=torch.long)),
    )
    source = task.export(0, [Segment(Settings(lr=0.1), seed=0, index=0, horizon=1)])
    assert "# Call train(build, train_set)" in source
    assert "__main__" not in source


def test_the_program_is_short_where_nothing_is_switched(user):
    task = TorchTask(**options_of(user, "items"))
    source = task.export(0, path_of("items"))
    assert "Moments" not in source
    assert "torch.optim.SGD" not in source


def test_a_path_without_segments_cannot_be_exported(user):
    with pytest.raises(TaskError, match="export: expected at least one segment"):
        TorchTask(**options_of(user, "items")).export(0, [])


def test_the_program_passes_a_linter(user, tmp_path):
    task = TorchTask(**options_of(user, "tensors"))
    (tmp_path / "schedule.py").write_text(task.export(0, path_of("tensors")))
    found = subprocess.run(
        [Path(sys.executable).parent / "ruff", "check", "--isolated", "--select", "F,E9", "schedule.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout
