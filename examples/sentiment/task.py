"""Sentences of film reviews, praise or blame, by a small transformer.

trimtab run examples/sentiment/task.py:study
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.splits import divide
from examples.words import PADDING, encode, read_lines, vocabulary

HEADLINE, HORIZON, WORDS, LENGTH, HEADS = "accuracy", 10, 4000, 24, 4

SPACE = tt.Space(
    lr=tt.Float(1e-5, 0.1, log=True),
    batch_size=tt.Int(16, 256, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.7),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    head_width=tt.Int(4, 16, log=True, live=False),
    depth=tt.Int(1, 2, live=False),
)
DEFAULT = tt.Settings(lr=1e-3, batch_size=64, weight_decay=1e-2, dropout=0.3, optimizer="adamw", head_width=8, depth=1)


class Transformer(nn.Module):
    """Words with their places through layers of attention; the mean over the words decides. Vaswani et al. 2017."""

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width, padding_idx=PADDING)
        self.places = nn.Embedding(LENGTH, width)
        layer = nn.TransformerEncoderLayer(width, HEADS, 2 * width, dropout, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, 2))

    def forward(self, words: Tensor) -> Tensor:
        absent = words == PADDING
        seen = self.words(words) + self.places.weight
        encoded = self.layers(seen, src_key_padding_mask=absent).masked_fill(absent[:, :, None], 0.0)
        return self.head(encoded.sum(1) / (~absent).sum(1, keepdim=True).clamp_min(1))


def build_model(settings: tt.Settings) -> nn.Module:
    """Return the transformer that the settings ask for."""
    return Transformer(HEADS * settings["head_width"], settings["depth"], settings["dropout"])


def load_sentences() -> tuple[list[str], Tensor]:
    """Return all 10,662 sentences, and 1 for those that praise."""
    sides = [read_lines("sentence_polarity", f"sentence_polarity/rt-polarity.{side}") for side in ("neg", "pos")]
    return [line for side in sides for line in side], torch.tensor([int(kind) for kind, side in enumerate(sides) for _ in side])


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 8,000 sentences to train on, 1,200 to validate and 1,462 to test; the words are those of the first."""
    sentences, kinds = load_sentences()
    places = divide(torch.arange(len(kinds)), kinds, [8000, 1200], seed)
    texts = [[sentences[place] for place in part.tensors[0].tolist()] for part in places]
    words = vocabulary(texts[0], WORDS)
    train, validation, test = (
        TensorDataset(encode(text, words, LENGTH), part.tensors[1]) for text, part in zip(texts, places, strict=True)
    )
    return train, validation, test


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: half an epoch a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(build=build_model, train=train, validation=validation, test=test, segment="0.5 epochs")


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "sentiment.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
