"""Rankers: how much each film is worth showing to somebody, by what others liked and what this one has said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from trimtab.systems.video.ratings import members, ratings

PRIOR = 10.0
"""Ratings of the mean film that are added to those of each film, so that few ratings are not believed too much."""
FACTORS, RIDGE = 16, 4.0
"""These and ``CAUTION`` were tuned on sessions of the training split, by what each ranker alone misses."""
CAUTION = 2.0
"""Is added to the summed likeness of what was shown, so that little likeness says little."""
SHRINKAGE = 20.0
"""Common raters, with which the cosine of two films counts half."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the people from whom rankers learn say of films.

    ``count``, ``mean`` of their stars: shape (films,). ``alike``: cosines, (films, films). ``factors``: (films, FACTORS).
    """

    count: np.ndarray
    mean: np.ndarray
    alike: np.ndarray
    factors: np.ndarray


@cache
def known() -> Known:
    """Return it, worked out once."""
    stars = ratings().stars[list(members("rankers"))]
    rated = stars > 0
    count = rated.sum(0)
    middle = float(stars[rated].mean())
    mean = (stars.sum(0) + PRIOR * middle) / (count + PRIOR)
    rest = np.where(rated, stars - mean, 0.0).astype(np.float64)
    length = np.sqrt((rest**2).sum(0))
    common = rated.T.astype(np.float32) @ rated.astype(np.float32)
    cosine = rest.T @ rest / np.maximum(np.outer(length, length), 1e-9)
    _, values, films = np.linalg.svd(rest, full_matrices=False)
    return Known(count, mean, cosine * common / (common + SHRINKAGE), films[:FACTORS].T * np.sqrt(values[:FACTORS]))


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody has said in this session: ``films`` that were shown, and their ``stars``."""

    films: Sequence[int] = ()
    stars: Sequence[float] = ()

    @property
    def surprise(self) -> np.ndarray:
        """Stars less those that the film has in the mean, shape (films shown,)."""
        return np.array(self.stars) - known().mean[list(self.films)]


def popular(_told: Told) -> np.ndarray:
    """Films by how many have rated them."""
    return known().count / known().count.max()


def rated(_told: Told) -> np.ndarray:
    """Films by their mean stars."""
    return known().mean


def neighbours(told: Told) -> np.ndarray:
    """Films like those that this person liked more than others do: Sarwar et al. 2001, "Item-based collaborative filtering"."""
    if not told.films:
        return known().mean
    likeness = known().alike[:, list(told.films)]
    return known().mean + likeness @ told.surprise / (np.abs(likeness).sum(1) + CAUTION)


def factors(told: Told) -> np.ndarray:
    """Films by the person's place among factors, by ridge regression: Koren, Bell & Volinsky 2009, "Matrix factorization"."""
    if not told.films:
        return known().mean
    rows = known().factors[list(told.films)]
    place = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(FACTORS), rows.T @ told.surprise)
    return known().mean + known().factors @ place


def genres(told: Told) -> np.ndarray:
    """Films of the genres that this person liked more than others do."""
    if not told.films:
        return known().mean
    table = ratings().genres
    seen = table[list(told.films)]
    liking = told.surprise @ seen / (seen.sum(0) + 2.0)
    return known().mean + table @ liking / np.maximum(table.sum(1), 1)


def recent(_told: Told) -> np.ndarray:
    """The newest films."""
    return ratings().year


Ranker = Callable[[Told], np.ndarray]
RANKERS: dict[str, Ranker] = {
    "popular": popular,
    "rated": rated,
    "neighbours": neighbours,
    "factors": factors,
    "genres": genres,
    "recent": recent,
}
"""By name; each returns what every film is worth, shape (films,)."""
