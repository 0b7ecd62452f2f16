"""TREC questions: is a number asked for, a place, a person? A bag of embeddings or a convolution over words.

trimtab run examples/questions/task.py:study
"""

from __future__ import annotations

from typing import Any

import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.splits import divide
from examples.words import encode, read_lines, vocabulary

HEADLINE = "accuracy"
HORIZON, VALIDATION, WORDS, LENGTH = 20, 750, 3000, 12

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.3, log=True),
    batch_size=tt.Int(16, 256, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.7),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    width=tt.Int(16, 128, log=True, live=False),
    model=tt.Categorical("bag", "convolution", live=False),
)
DEFAULT = tt.Settings(lr=3e-3, batch_size=64, weight_decay=1e-2, dropout=0.3, optimizer="adamw", width=64, model="convolution")


class Bag(nn.Module):
    """The mean of the embeddings of a question's words."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(WORDS, width, padding_idx=0)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, 6))

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.embedding(words))


class Convolution(nn.Module):
    """Filters over three words, each where it answers most. Kim 2014."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width, padding_idx=0)
        self.filters = nn.Conv1d(width, 2 * width, 3, padding=1)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, 6))

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.filters(self.embedding(words).mT).relu().amax(2))


def build_model(settings: tt.Settings) -> nn.Module:
    """Return the model that the settings ask for."""
    kind = {"bag": Bag, "convolution": Convolution}[settings["model"]]
    return kind(settings["width"], settings["dropout"])


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return train and validation questions, divided by ``seed``, and the official 500 test questions."""
    learned, tested = (read_lines("qc", f"qc/{part}.txt") for part in ("train", "test"))
    labels = sorted({line.split(":")[0] for line in learned})
    words = vocabulary((line.split(" ", 1)[1] for line in learned), WORDS)

    def tensors(lines: list[str]) -> tuple[Tensor, Tensor]:
        questions = encode([line.split(" ", 1)[1] for line in lines], words, LENGTH)
        return questions, torch.tensor([labels.index(line.split(":")[0]) for line in lines])

    validation, train = divide(*tensors(learned), [VALIDATION], seed)
    return train, validation, TensorDataset(*tensors(tested))


def macro_f1(outputs: Tensor, targets: Tensor) -> float:
    """Return the mean over the classes of the harmonic mean of precision and recall."""
    return f1_score(targets, outputs.argmax(1), average="macro", zero_division=0.0)


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: one epoch a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(build=build_model, train=train, validation=validation, test=test, scores={"macro_f1": macro_f1})


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "questions.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
