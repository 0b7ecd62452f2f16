"""Film reviews, praise or blame, from 1,000 labelled sentences: MiniLM, whose upper layers learn at a rate of their own.

trimtab run examples/pretrained_text/task.py:study
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.pretrained_text.encoder import LAYERS, WIDTH, hidden, layer, read_weights
from examples.sentiment.task import load_sentences
from examples.splits import divide

HEADLINE, HORIZON, UPPER, SIZES = "accuracy", 10, 2, (1000, 600, 1462)

SPACE = tt.Space(
    lr=tt.Float(1e-5, 0.1, log=True),
    batch_size=tt.Int(8, 128, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.5),
    optimizer=tt.Categorical("adam", "adamw"),
    trained=tt.Int(0, UPPER, live=False),
    encoder_rate=tt.Float(0.003, 1.0, log=True, live=False),
)
DEFAULT = tt.Settings(
    lr=1e-3, batch_size=32, weight_decay=1e-2, dropout=0.1, optimizer="adamw", trained=UPPER, encoder_rate=0.03
)


class Upper(nn.Module):
    """The upper layers, of which the last ``trained`` learn, and a head on the mean over the words.

    Takes what the layers below make of a sentence, which nothing here changes, so that it is computed once.
    """

    def __init__(self, trained: int, encoder_rate: float, dropout: float) -> None:
        super().__init__()
        weights = pretrained()
        self.layers = nn.ModuleList([layer(number, weights, dropout) for number in range(LAYERS - UPPER, LAYERS)])
        self.frozen, self.encoder_rate = UPPER - trained, encoder_rate
        for each in self.layers[: self.frozen]:
            each.requires_grad_(False)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTH, 2))

    def forward(self, state: Tensor) -> Tensor:
        absent = (state == 0).all(2)
        for each in self.layers:
            state = each(state, src_key_padding_mask=absent)
        return self.head(state.masked_fill(absent[:, :, None], 0.0).sum(1) / (~absent).sum(1, keepdim=True))


@cache
def pretrained() -> dict[str, Tensor]:
    """Return MiniLM's weights, read once."""
    return read_weights()


def build_model(settings: tt.Settings) -> Upper:
    """Return the upper layers that the settings ask for."""
    return Upper(settings["trained"], settings["encoder_rate"], settings["dropout"])


def param_groups(model: Upper) -> list[dict[str, Any]]:
    """Return the head, and the layers that learn at a share of its rate. Howard and Ruder 2018."""
    learning = [*model.layers[model.frozen :].parameters()]
    return [{"params": [*model.head.parameters()]}, {"params": learning, "lr_multiplier": model.encoder_rate}]


def load_splits(seed: int = 0, sizes: tuple[int, int, int] = SIZES) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 1,000 sentences to train on, 600 to validate, and the 1,462 on which the sentiment example is tested."""
    sentences, kinds = load_sentences()
    parts = divide(torch.arange(len(kinds)), kinds, [8000, 1200], seed)
    chosen = [part.tensors[0][:count].tolist() for part, count in zip(parts, sizes, strict=True)]
    train, validation, test = (
        TensorDataset(hidden([sentences[place] for place in places], LAYERS - UPPER), kinds[places]) for places in chosen
    )
    return train, validation, test


def make_task(seed: int = 0, sizes: tuple[int, int, int] = SIZES) -> tt.TorchTask:
    """Return the task: half an epoch a segment."""
    train, validation, test = load_splits(seed, sizes)
    return tt.TorchTask(
        build=build_model, train=train, validation=validation, test=test, segment="0.5 epochs", param_groups=param_groups
    )


def study(seed: int = 0, sizes: tuple[int, int, int] = SIZES, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "pretrained_text.db", "seed": seed}
    return tt.Study(make_task(seed, sizes), SPACE, **{**given, **options})
