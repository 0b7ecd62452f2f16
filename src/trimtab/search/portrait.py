"""Starting settings as numbers that mean the same in every study, so that what one study found can help another.

Hyperparameters of known names are placed on scales of their own, whatever the bounds of a space are; the others are known to
their own study alone. The features are such that a linear model of them is a smooth function: of each hyperparameter for
itself, of the rate for each optimizer, of products of two, and of everything at once by random cosines (Rahimi & Recht 2007).
Mostly sums: where few have looked a sum of effects errs less than a smooth function of everything. The rest, random cosines of
a study's own space of which no other knows, keeps starts unsure that are unlike any that were tried: effects that belong
together in this study alone, as weight decay and the optimizer do in some, are found by trying.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from trimtab.space import Categorical, Float, Hyperparameter, Int, Settings, Space, Value


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a number stands between ``low`` and ``high``, from 0 to 1. ``pace``: how fast results change along it."""

    low: float
    high: float
    log: bool
    pace: float = 0.8

    def place(self, values: np.ndarray) -> np.ndarray:
        if self.log:
            positions = np.log(np.maximum(values, self.low * 1e-2) / self.low) / np.log(self.high / self.low)
        else:
            positions = (values - self.low) / (self.high - self.low)
        return np.clip(positions, -0.25, 1.25)


NUMBERS: Mapping[str, Scale] = {
    "lr": Scale(1e-5, 1.0, log=True, pace=2.5),
    "weight_decay": Scale(1e-6, 0.3, log=True),
    "batch_size": Scale(16, 256, log=True),
    "dropout": Scale(0.0, 0.6, log=False),
    "width": Scale(16, 128, log=True),
    "depth": Scale(1, 4, log=False),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("sgd", "adam", "adamw", "rmsprop"),
    "activation": ("relu", "gelu", "tanh", "silu"),
}
ALIASES: Mapping[str, str] = {
    "learning_rate": "lr",
    "hidden": "width",
    "units": "width",
    "channels": "width",
    "layers": "depth",
    "blocks": "depth",
}
TYPICAL = 0.5
"""Where a number of NUMBERS stands that a space does not have."""
RATE_BUMPS, BUMPS, COSINES = 9, 4, 64
WEIGHTS = {
    "rate": 0.7,
    "optimizer": 0.5,
    "activation": 0.3,
    "number": 0.4,
    "product": 0.4,
    "cosine": 0.5,
    "own": 0.4,
    "rest": 0.5,
}
"""How much each kind of feature may explain beside the others."""
OWN_PACE = 2.0
"""How fast the rest changes: settings that lie half a range apart in one hyperparameter are still alike."""
PACES = np.array([*(scale.pace for scale in NUMBERS.values()), *[0.8] * 4, *[0.4] * 4])


class Portrait:
    """The features of settings of ``space``: those that mean the same everywhere, and its own, if it has any.

    ``given``: values of what the space does not have, as the task's defaults.
    """

    def __init__(self, space: Space, given: Mapping[str, Value] | None = None) -> None:
        self.space = space
        self._given = dict(given or {})
        self._own = [name for name in space if canonical(name) not in NUMBERS and canonical(name) not in CHOICES]
        self._cosines = _random_cosines(space.width, seed=2008)
        self.size = SHARED + COSINES + sum(BUMPS if space[name].width == 1 else space[name].width for name in self._own)

    def codes(self, many: Sequence[Settings]) -> np.ndarray:
        """Return ``many`` settings as numbers in [0, 1], (n, space.width), whether or not they have an effect."""
        return np.array([[code for name, member in self.space.items() for code in member.encode(one[name])] for one in many])

    def features(self, codes: np.ndarray) -> np.ndarray:
        """Return the features of settings that are given as codes, (n, size)."""
        columns: dict[str, np.ndarray] = {name: np.full(len(codes), value) for name, value in self._given.items()}
        own: list[np.ndarray] = []
        at = 0
        for name, member in self.space.items():
            part = codes[:, at : at + member.width]
            at += member.width
            if name not in self._own:
                columns[canonical(name)] = _values(member, part)
            else:
                own.append(WEIGHTS["own"] * (_bumps(part[:, 0], BUMPS) if member.width == 1 else part))
        rest = WEIGHTS["rest"] * _waves(OWN_PACE * codes, self._cosines)
        return np.hstack([_shared(columns, len(codes)), *own, rest])


def shared_features(many: Sequence[Mapping[str, Value]]) -> np.ndarray:
    """Return the features of settings that all have the same names, of whatever space they are, (n, SHARED)."""
    columns = {canonical(name): np.array([settings[name] for settings in many]) for name in many[0]}
    return _shared(columns, len(many))


def _shared(columns: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    numbers = [
        scale.place(columns[name].astype(float)) if name in columns and columns[name].dtype.kind in "fiu" else _typical(count)
        for name, scale in NUMBERS.items()
    ]
    optimizer, activation = (
        np.stack([np.asarray(columns.get(name, _typical(count)) == choice, dtype=float) for choice in choices], axis=1)
        for name, choices in CHOICES.items()
    )
    places = np.stack(numbers, axis=1)
    rate = WEIGHTS["rate"] * _bumps(places[:, 0], RATE_BUMPS)
    by_optimizer = (optimizer[:, :, None] * rate[:, None, :]).reshape(count, -1)
    alone = [WEIGHTS["number"] * _bumps(column, BUMPS) for column in numbers[1:]]
    centred = [2.0 * column - 1.0 for column in numbers]
    products = np.stack([WEIGHTS["product"] * one * other for one, other in combinations(centred, 2)], axis=1)
    cosines = WEIGHTS["cosine"] * _waves(np.hstack([places, optimizer, activation]) * PACES, _COSINES)
    choices = [WEIGHTS["optimizer"] * optimizer, WEIGHTS["activation"] * activation]
    return np.hstack([np.ones((count, 1)), by_optimizer, rate, *choices, *alone, products, cosines])


def _values(member: Hyperparameter, codes: np.ndarray) -> np.ndarray:
    """Return the values that ``codes`` (n, width) of ``member`` stand for; whole numbers are not rounded."""
    if isinstance(member, (Float, Int)):
        low, high = (np.log(member.low), np.log(member.high)) if member.log else (member.low, member.high)
        even = low + (high - low) * codes[:, 0]
        return np.exp(even) if member.log else even
    if isinstance(member, Categorical):
        return np.array(member.choices)[codes.argmax(axis=1)]
    return codes[:, 0]


def _typical(count: int) -> np.ndarray:
    return np.full(count, TYPICAL)


def _bumps(places: np.ndarray, count: int) -> np.ndarray:
    """Return how near each of ``places`` (n,) is to ``count`` even places from 0 to 1, (n, count)."""
    return np.exp(-0.5 * ((places[:, None] - np.linspace(0, 1, count)) * (count - 1)) ** 2)


def canonical(name: str) -> str:
    """Return the name under which a hyperparameter is known here."""
    return ALIASES.get(name, name)


def _random_cosines(width: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((width, COSINES)), rng.uniform(0, 2 * np.pi, COSINES)


def _waves(places: np.ndarray, cosines: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return features of which a linear model is a Gaussian process over ``places`` (n, width), approximately."""
    directions, phases = cosines
    return np.sqrt(2 / COSINES) * np.cos(places @ directions + phases)


_COSINES = _random_cosines(len(PACES), seed=2007)
SHARED = _shared({}, 1).shape[1]
"""How many features mean the same everywhere."""
