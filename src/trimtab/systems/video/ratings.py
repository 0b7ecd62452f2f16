"""MovieLens 100k (Harper & Konstan 2015): who gave which film how many stars, and who is in which part.

GroupLens allows research and no redistribution: the files are read where the package recbole has them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from trimtab.datasets import fetch
from trimtab.seeds import generator

LIKED = 4
"""Stars, from which on a film was liked."""
FEWEST = 40
"""Ratings of those who are recommended to: each has rated at least so many films."""
Part: TypeAlias = Literal["rankers", "train", "validation", "test"]
SHARES: Mapping[Part, float] = {"rankers": 0.5, "train": 0.25, "validation": 0.05, "test": 0.2}
"""Of all people: those from whom rankers learn are never recommended to, since rankers know them too well."""


class Person(NamedTuple):
    """``age`` in years, ``woman`` 0 or 1."""

    age: float
    woman: float


@dataclass(frozen=True, slots=True)
class Ratings:
    """``stars``: shape (people, films), 0 where there is no rating. ``year``: (films,). ``genres``: (films, genres), 0 or 1."""

    stars: np.ndarray
    year: np.ndarray
    genres: np.ndarray
    people: tuple[Person, ...]


@cache
def ratings() -> Ratings:
    """Return all 100,000 ratings."""
    people = tuple(Person(float(row["age"]), float(row["gender"] == "F")) for row in _rows("user"))
    films = list(_rows("item"))
    stars = np.zeros((len(people), len(films)), dtype=np.float32)
    for row in _rows("inter"):
        stars[int(row["user_id"]) - 1, int(row["item_id"]) - 1] = float(row["rating"])
    known = sorted({genre for row in films for genre in row["class"].split()})
    genres = np.array([[genre in row["class"].split() for genre in known] for row in films], dtype=np.float32)
    year = np.array([float(row["release_year"]) if row["release_year"].isdigit() else np.nan for row in films])
    return Ratings(stars, np.where(np.isnan(year), np.nanmedian(year), year), genres, people)


@cache
def members(part: Part) -> tuple[int, ...]:
    """Return the people of ``part`` with ``FEWEST`` ratings, who are in no other part."""
    stars = ratings().stars
    order = generator(0, "movielens", "split").permutation(len(stars))
    ends = np.cumsum([round(share * len(stars)) for share in SHARES.values()])[:-1]
    drawn = np.split(order, ends)[list(SHARES).index(part)]
    return tuple(int(who) for who in sorted(drawn) if (stars[who] > 0).sum() >= FEWEST)


def _rows(kind: str) -> Iterator[dict[str, str]]:
    path = fetch("movielens100k") / f"dataset_example/ml-100k/ml-100k.{kind}"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield {name.split(":")[0]: value for name, value in row.items()}
