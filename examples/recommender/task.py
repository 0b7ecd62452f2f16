"""Which film will a person watch next? The last one of each person is the test, the one before it the validation.

trimtab run examples/recommender/task.py:study
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.recommender.models import Factors, Sequence, TwoTowers
from examples.recommender.ratings import watched

HEADLINE, HORIZON, QUARTERS, SHOWN = "ndcg", 12, 4, 10

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.3, log=True),
    batch_size=tt.Int(64, 1024, log=True),
    weight_decay=tt.Float(1e-6, 1.0, log=True),
    dropout=tt.Float(0.0, 0.7),
    optimizer=tt.Categorical("adam", "adamw", "adagrad"),
    width=tt.Int(16, 64, log=True, live=False),
    model=tt.Categorical("factors", "two towers", "sequence", live=False),
    informed=tt.Bool(live=False, when={"model": "two towers"}),
)
DEFAULT = tt.Settings(
    lr=2e-2, batch_size=256, weight_decay=1e-2, dropout=0.2, optimizer="adamw", width=32, model="sequence", informed=False
)


def build_model(settings: tt.Settings) -> nn.Module:
    """Return the model that the settings ask for; it does not recommend what was seen in training."""
    width, dropout, kind = settings["width"], settings["dropout"], settings["model"]
    if kind == "two towers":
        model = TwoTowers(width, dropout, informed=settings["informed"])
    else:
        model = {"factors": Factors, "sequence": Sequence}[kind](width, dropout)
    everything = watched()
    learned = everything.place >= 2
    model.leave_out(everything.user[learned], everything.film[learned])
    return model


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return what was watched: all but the last two films of each person, the last but one, the last; no chance in it."""
    del seed
    everything = watched()
    places = (everything.place >= 2, everything.place == 1, everything.place == 0)
    train, validation, test = (TensorDataset(*everything.rows(torch.nonzero(place)[:, 0])) for place in places)
    return train, validation, test


def rank(scores: Tensor, target: Tensor) -> Tensor:
    """Return the rank of each target among all films, from 1; of films with the same score half come before."""
    own = scores.gather(1, target[:, None])
    return 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) // 2


def ndcg(scores: Tensor, target: Tensor) -> Tensor:
    """Return 1 / log2(rank + 1) where the film that was watched is among the ten shown, else 0. Järvelin & Kekäläinen 2002.

    >>> ndcg(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([0])).item()
    1.0
    """
    place = rank(scores, target)
    return torch.where(place <= SHOWN, 1 / torch.log2(place + 1.0), 0.0)


def recall(scores: Tensor, target: Tensor) -> Tensor:
    """Return whether the film that was watched is among the ten shown."""
    return (rank(scores, target) <= SHOWN).float()


def make_task(seed: int = 0) -> tt.TorchTask:
    """Return the task: a quarter of an epoch a segment."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(
        build=build_model,
        train=train,
        validation=validation,
        test=test,
        metrics={"ndcg": ndcg, "recall": recall},
        goal=tt.Goal("ndcg", minimise=False, scale="linear"),
        segment=f"{1 / QUARTERS} epochs",
    )


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "recommender.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
