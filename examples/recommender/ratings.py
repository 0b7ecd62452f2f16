"""MovieLens-100k in the order of time: what each person watched, and what is known of people and films.

GroupLens allows research and no redistribution: the files are read where the package recbole has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trimtab.datasets import fetch

USERS, FILMS, HISTORY = 944, 1683, 20
"""Numbers begin at 1; film 0 stands for nothing."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One row a rating, in the order of time: ``user``, ``film`` (n,), ``before`` (n, 20) what the person watched before it,
    the latest last, ``place`` (n,) how many ratings of this person follow it, ``week`` (n,) since the first."""

    user: Tensor
    film: Tensor
    before: Tensor
    place: Tensor
    week: Tensor

    def rows(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (n, 21), a person and their history, and the film that was watched."""
        return torch.cat([self.user[chosen, None], self.before[chosen]], 1), self.film[chosen]


def _table(kind: str) -> pd.DataFrame:
    table = pd.read_csv(fetch("movielens100k") / f"dataset_example/ml-100k/ml-100k.{kind}", sep="\t")
    return table.rename(columns=lambda name: name.split(":")[0])


@cache
def watched() -> Watched:
    """Return all 100,000 ratings."""
    # half of a person's ratings share their second with the one before: sorted by film they would tell which film comes next
    table = _table("inter").sort_values("timestamp", kind="stable")
    user, film = table["user_id"].to_numpy(), table["item_id"].to_numpy()
    before = np.zeros((len(table), HISTORY), dtype=np.int64)
    histories: dict[int, list[int]] = {}
    for row, (who, what) in enumerate(zip(user.tolist(), film.tolist(), strict=True)):
        history = histories.setdefault(who, [])
        latest = history[-HISTORY:]
        before[row, HISTORY - len(latest) :] = latest
        history.append(what)
    place = table.groupby("user_id").cumcount(ascending=False).to_numpy()
    week = (table["timestamp"] - table["timestamp"].min()).to_numpy() // (7 * 24 * 3600)
    return Watched(*(torch.tensor(column) for column in (user, film, before, place, week)))


@cache
def features() -> tuple[Tensor, Tensor]:
    """Return what is known of people (944, 24): age, sex, occupation; and of films (1683, 19): kinds."""
    people, films = _table("user").set_index("user_id"), _table("item").set_index("item_id")
    told = pd.concat([people["age"].astype(float) / 50, pd.get_dummies(people[["gender", "occupation"]])], axis=1)
    kinds = films["class"].str.get_dummies(" ")
    return _by_number(told, USERS), _by_number(kinds, FILMS)


def _by_number(table: pd.DataFrame, count: int) -> Tensor:
    return torch.tensor(table.reindex(range(count), fill_value=0).to_numpy(np.float32))
