"""The hyperparameters that a policy moves, its heads: one agent for each. A training may have all of them or some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from trimtab.task.reference import linear

FloatArray: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True)
class Lever:
    """One head: each of ``moves`` changes the value, which stays in [low, high].

    ``scale``: "log": a move is a factor; "linear": a difference; "complement": a factor of the value's distance to 1.
    ``first``: a lever that has one may be 0: from 0 a factor above 1 leads to ``first``, and a factor below 1 leads from the
    bottom to 0.
    """

    name: str
    moves: tuple[float, ...]
    low: float
    high: float
    scale: Literal["log", "linear", "complement"] = "log"
    first: float = 0.0

    @property
    def keep(self) -> int:
        """Index of the move that changes nothing."""
        return self.moves.index(0.0 if self.scale == "linear" else 1.0)

    def at(self, position: FloatArray) -> FloatArray:
        """Return the value at ``position``, from 0 (``low``) to 1 (``high``) on the lever's own scale."""
        if self.scale == "linear":
            return self.low + (self.high - self.low) * position
        if self.scale == "complement":
            return 1.0 - (1.0 - self.low) * ((1.0 - self.high) / (1.0 - self.low)) ** position
        return self.low * (self.high / self.low) ** position

    def position(self, value: FloatArray) -> FloatArray:
        """Return where ``value`` stands, from 0 to 1: the inverse of ``at``."""
        low, high = np.array(self.low), np.array(self.high)
        if self.scale == "linear":
            return (value - low) / (high - low)
        if self.scale == "complement":
            return np.log((1.0 - value) / (1.0 - low)) / np.log((1.0 - high) / (1.0 - low))
        return np.log(np.maximum(value, low) / low) / np.log(high / low)

    def moved(self, value: FloatArray, moves: np.ndarray) -> FloatArray:
        """Return ``value`` (N,) after ``moves`` (N,), indices into the lever's moves."""
        size = np.asarray(self.moves)[moves]
        if self.scale == "linear":
            after = np.minimum(np.maximum(value + size, self.low), self.high)
        elif self.scale == "complement":
            after = 1.0 - np.minimum(np.maximum((1.0 - value) * size, 1.0 - self.high), 1.0 - self.low)
        else:
            after = np.minimum(np.maximum(value * size, self.low), self.high)
            if self.first:
                after = np.where(value == 0, np.where(size > 1, self.first, 0.0), after)
                after = np.where((size < 1) & (value * size < self.low), 0.0, after)
        return np.where(moves == self.keep, value, after)


RATE = Lever("lr", (0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0), 1e-9, 1e3)
DECAY = Lever("weight_decay", (0.25, 1.0, 4.0), 1e-6, 1.0, first=1e-4)
MOMENTUM = Lever("momentum", (0.5, 1.0, 2.0), 0.0, 0.99, scale="complement")
DROPOUT = Lever("dropout", (-0.1, 0.0, 0.1), 0.0, 0.6, scale="linear")
SMOOTHING = Lever("label_smoothing", (-0.05, 0.0, 0.05), 0.0, 0.3, scale="linear")
KNOB = Lever("knob", (-0.15, 0.0, 0.15), 0.0, 1.0, scale="linear")
"""Any other hyperparameter, of which nothing is known but where it stands between its bounds, from 0 to 1."""
LEVERS = (RATE, DECAY, MOMENTUM, DROPOUT, SMOOTHING, KNOB)
BACK = "back"
"""The head that goes back to the best weights so far."""
BACK_MOVES = (0.0, 1.0, 0.2)
"""0 stays; the others go back and multiply the rate. From where a net began to learn its examples by heart, the same rate would
lead to the same place."""
GO_BACK_LOWER = len(BACK_MOVES) - 1
"""The move of that head by which a training that overfits is mended; see ``rules.PATIENCE``."""

NAMES = (*(lever.name for lever in LEVERS), BACK)
MOVES: dict[str, tuple[float, ...]] = {**{lever.name: lever.moves for lever in LEVERS}, BACK: BACK_MOVES}
"""What the moves of each head are."""
HEADS: tuple[int, ...] = tuple(len(MOVES[name]) for name in NAMES)
"""Number of moves of each head, in the order of NAMES."""
KEEP = (*(lever.keep for lever in LEVERS), 0)
"""The action that changes nothing."""


def moved(values: FloatArray, actions: np.ndarray) -> FloatArray:
    """Return the levers' ``values``, (N, levers), after ``actions``, (N, heads)."""
    columns = [
        lever.moved(values[:, index], actions[:, index]) if (actions[:, index] != lever.keep).any() else values[:, index]
        for index, lever in enumerate(LEVERS)
    ]
    back = actions[:, -1]
    if (back > 0).any():
        columns[0] = np.where(back > 0, np.maximum(columns[0] * np.array(BACK_MOVES)[back], RATE.low), columns[0])
    return np.stack(columns, 1)


def allowed(has: np.ndarray, back: np.ndarray) -> list[np.ndarray]:
    """Return which moves each of N trainings may make, one array (N, moves) a head.

    ``has``, (N, levers) bool: which hyperparameters may be moved; ``back``, (N,): whether there are better weights to go to.
    """
    free = [*has.T, back]
    return [mine[:, None] | (np.arange(moves) == keep) for mine, moves, keep in zip(free, HEADS, KEEP, strict=True)]


FIRST: dict[str, float] = {"adaptive": 0.032, "balanced": 0.0018}
"""The rate from which a run starts with an optimizer that scales its steps by gradient statistics, and with one whose gradients
are balanced, for a net of USUAL_FAN inputs to an output; sound for trainings of some hundred steps."""
USUAL_FAN, FAN_POWER = 27.0, 0.8
"""It falls with that power of the inputs to an output (the geometric mean over the weight matrices). A first step moves every
weight alike, and what it does to an output grows with their number: by theory with a power of 1 in hidden layers and of 0 in
the first (Yang et al. 2022); 0.8 fitted trainings kept for development best."""
FIRST_PLAIN = (0.1, 0.012)
"""With one that does neither a run starts from the geometric mean of this rate, and of the one whose first full step moves the
weights by this share of their norm (geometric mean over the weight matrices): how large gradients are is not known before."""
USUAL_MOMENTUM = 0.9
"""The momentum for which the starts were found that are not adaptive."""
FIRST_DECAY = {"adaptive": 0.1, "balanced": 0.03}
"""The weight decay to start from, found on the same trainings, where it is moved and is not scaled as gradients are."""
TORCH_BETAS, BETAS = (0.9, 0.999), (0.8, 0.99)
"""The betas of Adam and AdamW that torch has, and those that replace them: in a training of some hundred steps the mean square
of the gradients over the last thousand still knows of the first, when the gradients were large. Found on training tasks."""
SANE = (3e-4, 1.0)
"""A rate with which the first step would be a smaller or a larger share of the weights is brought to the nearer end. At one end
nothing happens for many segments, at the other the net is broken before its first loss is seen."""


def first_rate(
    rate: FloatArray, share: FloatArray, fan: float, *, kind: np.ndarray, momentum: np.ndarray, given: np.ndarray
) -> FloatArray:
    """Return the rates, (N,), to start from; a first step at ``rate`` would move the weights by ``share`` of their norm.

    ``fan``: inputs to an output. ``kind``: names in FIRST, or "plain". Where the rate is ``given`` it is only brought into
    SANE; otherwise it is found, whatever it was.
    """
    known = np.isfinite(share) & (share > 0)
    unit = np.divide(rate, share, out=np.ones_like(share), where=known)
    usual, wanted = FIRST_PLAIN
    plain = np.sqrt(usual * np.where(known, unit * wanted, usual))
    narrow = (fan / USUAL_FAN) ** -FAN_POWER
    found = np.array([FIRST.get(name, np.nan) for name in kind]) * narrow
    # the steps of plain momentum add up to 1 / (1 − momentum) times one of them
    longer = np.where(kind == "adaptive", 1.0, (1.0 - momentum) / (1.0 - USUAL_MOMENTUM))
    start = np.where(given, rate, longer * np.where(kind == "plain", plain, found))
    return np.where(known, unit * np.clip(start / unit, *SANE), start)


def factor(segment: int, horizon: int) -> float:
    """Return the reference schedule in the middle of ``segment`` (from 0) of ``horizon``.

    >>> round(factor(0, 1), 3), round(factor(9, 10), 4)
    (0.5, 0.05)
    """
    return linear((segment + 0.5) / horizon)
