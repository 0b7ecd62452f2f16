"""Every form of TorchTask keeps the contract of a task: data sets, optimizers, losses, layers with a memory, AMP."""

import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset, IterableDataset

from trimtab.space import Settings
from trimtab.task import Goal, TaskContract, TorchTask
from trimtab.task.optimizers import KINDS

INPUTS, LABELS = load_digits(return_X_y=True)
TRAIN, VALIDATION = (INPUTS[:300] / 16, LABELS[:300]), (INPUTS[1500:] / 16, LABELS[1500:])
SICK, SEVERITY = load_diabetes(return_X_y=True)


def build_network(settings):
    width = settings.get("width", 24)
    return nn.Sequential(
        nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 10)
    )  # fmt: skip


def lost():
    """Return settings under which no training survives."""
    return Settings(lr=1e30, batch_size=32, optimizer="sgd")


class Tied(nn.Module):
    """An autoencoder whose decoder is its encoder, transposed by sharing one weight."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(64, 64, bias=False)
        self.decoder = nn.Linear(64, 64)
        self.decoder.weight = self.encoder.weight

    def forward(self, inputs):
        return self.decoder(torch.relu(self.encoder(inputs)))


class Items(Dataset):
    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        # drawn from the global generator, as transforms do
        return torch.tensor(self.inputs[index], dtype=torch.float32) + 0.01 * torch.randn(64), int(self.labels[index])


class Stream(IterableDataset):
    def __init__(self, inputs, labels):
        self.inputs, self.labels, self.epoch = inputs, labels, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(self.epoch))
        for index in order.tolist():
            yield torch.tensor(self.inputs[index], dtype=torch.float32), int(self.labels[index])


def noise(inputs, strength, generator):
    return inputs + strength * torch.randn(inputs.shape, generator=generator)


class TestOnWholeTensors(TaskContract):
    def task(self):
        return TorchTask(build=build_network, train=TRAIN, validation=VALIDATION, augment=noise, goal="error")

    def settings(self):
        steady = Settings(
            lr=0.01, batch_size=32, dropout=0.1, augmentation=0.1, label_smoothing=0.1, gradient_clip=1.0, width=16
        )
        return [steady, steady.replace(lr=0.02, batch_size=50), steady.replace(dropout=0.5, gradient_clip=0.0)]

    def diverging(self):
        return lost()


@pytest.mark.parametrize("kind", KINDS)
class TestWithEveryOptimizer:
    def test_a_run_through_checkpoints_is_the_run_without_them(self, kind):
        suite = SwitchesOptimizers()
        suite.kind = kind
        suite.test_a_run_through_checkpoints_is_the_run_without_them()

    def test_a_segment_run_twice_from_one_checkpoint_gives_the_same(self, kind):
        suite = SwitchesOptimizers()
        suite.kind = kind
        suite.test_a_segment_run_twice_from_one_checkpoint_gives_the_same()


class SwitchesOptimizers(TaskContract):
    kind = "sgd"

    def task(self):
        return TorchTask(build=build_network, train=TRAIN, validation=VALIDATION, segment="6 steps")

    def settings(self):
        one = Settings(lr=0.01, momentum=0.9, optimizer=self.kind)
        return [one, one.replace(momentum=0.5), one.replace(optimizer="adam"), one]


class TestOnPartsOfAnEpochWithSingleItems(TaskContract):
    def task(self):
        return TorchTask(build=build_network, train=Items(*TRAIN), validation=Items(*VALIDATION), segment="0.4 epochs")

    def settings(self):
        return [Settings(lr=0.01, batch_size=size) for size in (32, 17, 64)]

    def diverging(self):
        return lost()


class TestOnAStream(TaskContract):
    def task(self):
        return TorchTask(build=build_network, train=Stream(*TRAIN), validation=Stream(*VALIDATION), segment="7 steps")

    def settings(self):
        return [Settings(lr=0.01, batch_size=size) for size in (32, 50, 64)]

    def diverging(self):
        return lost()


class TestOnRegression(TaskContract):
    def task(self):
        return TorchTask(
            build=lambda settings: nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1)),
            train=(SICK[:300] * 20, SEVERITY[:300] / 100),
            validation=(SICK[300:] * 20, SEVERITY[300:] / 100),
            loss="huber",
            goal="rmse",
            segment="500 examples",
            reference="constant",
            defaults={"optimizer": "adamw", "batch_size": 16},
        )

    def settings(self):
        return [Settings(lr=0.01, weight_decay=0.1), Settings(lr=0.02, weight_decay=0.0)]

    def diverging(self):
        return lost()


class TestWithAStepOfOnesOwn(TaskContract):
    def task(self):
        def step(model, batch):
            return functional.mse_loss(model(batch[0]), batch[0])

        return TorchTask(build=lambda settings: Tied(), train=TRAIN, validation=VALIDATION, step=step, micro_batch=20)

    def settings(self):
        return [Settings(lr=0.001, batch_size=64), Settings(lr=0.002, batch_size=32)]

    def diverging(self):
        return lost()


class TestWithReducedPrecision(TaskContract):
    def task(self):
        goal = Goal("accuracy", minimise=False, bound=1.0)
        return TorchTask(build=build_network, train=TRAIN, validation=VALIDATION, amp=True, goal=goal)

    def settings(self):
        return [Settings(lr=0.01, dropout=0.2), Settings(lr=0.01, dropout=0.0)]

    def diverging(self):
        return lost()
