"""A policy at work: observations in, decisions out, without a tensor library in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trimtab.agents.acting import ActingForward
from trimtab.agents.caution import all_cautious
from trimtab.agents.network import Architecture
from trimtab.policy.archive import SHIPPED, PolicyFile, load_policy
from trimtab.policy.levers import KEEP, NAMES
from trimtab.policy.rules import MARGIN
from trimtab.policy.sight import FEATURES


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy makes of one observation.

    ``action``: one move a head. ``values``, ``spreads``: by the names of the heads that the policy has, of every move, mean and
    standard deviation over the ensemble; −inf where a move may not be made. ``expected``: by how much lower the run ends than
    if it is left alone from here on; ``doubt``: its deviation over the ensemble. All in the unit of ``rules.counted``.
    """

    action: tuple[int, ...]
    values: dict[str, np.ndarray]
    spreads: dict[str, np.ndarray]
    expected: float
    doubt: float


class Decides(Protocol):
    """Whatever a Pilot flies by."""

    def decide(self, observation: np.ndarray, masks: list[np.ndarray]) -> Verdict:
        """Return what to do at ``observation``, (len(FEATURES),), with the moves that ``masks``, (moves,) a head, allow."""
        ...


class Still:
    """Leaves everything as it is: what is left is the reference schedule."""

    def decide(self, observation: np.ndarray, masks: list[np.ndarray]) -> Verdict:  # noqa: ARG002 (protocol)
        """Return the action that changes nothing."""
        return Verdict(KEEP, {}, {}, math.nan, math.nan)


class Policy:
    """An ensemble of value networks: it changes a lever only where all its members agree that a change is better.

    Where they disagree, on a training of a kind that they do not know, the reference schedule is left.
    """

    def __init__(self, file: PolicyFile) -> None:
        shape: dict[str, Any] = dict(file.architecture)
        shape["heads"], shape["hidden"] = tuple(shape["heads"]), tuple(shape["hidden"])
        architecture = Architecture(**shape)
        weights = {name: _aligned(array) for name, array in file.arrays.items() if not name.startswith("prior.")}
        prior_weights = {name: array for name, array in file.arrays.items() if name.startswith("prior.")}
        self.card = file.card
        self._columns = np.array([FEATURES.index(name) for name in file.features])
        self._places = tuple(NAMES.index(name) for name in file.levers)
        self._keep = np.array([KEEP[place] for place in self._places])
        self._heads = tuple(zip(file.levers, architecture.heads, strict=True))
        self._mask = np.zeros((len(architecture.heads), architecture.moves), dtype=bool)
        self._scale = file.scale
        self._forward = ActingForward(architecture, weights, np.array(file.prior), prior_weights, file.prior_scale)

    @classmethod
    def load(cls, name: str | Path = SHIPPED) -> Policy:
        """Return the policy ``name``: one that is shipped, or a file; PolicyError if it is neither."""
        return cls(load_policy(name))

    @property
    def levers(self) -> tuple[str, ...]:
        """Names of the heads that it has, in its own order."""
        return tuple(name for name, _ in self._heads)

    def members(self, observation: np.ndarray) -> np.ndarray:
        """Return what each member thinks that moves are worth at ``observation``, (members, ``levers``, moves), padded."""
        self._forward.start(observation[self._columns])
        return self._forward.table() * self._scale

    def decide(self, observation: np.ndarray, masks: list[np.ndarray]) -> Verdict:
        """Return what to do at ``observation``, (len(FEATURES),), with the moves that ``masks``, (moves,) a head, allow."""
        members = self.members(observation)
        for row, place in zip(self._mask, self._places, strict=True):
            row[: len(masks[place])] = masks[place]
        members[:, ~self._mask] = -np.inf
        # sums, not mean() and std(): those cost several times as much on so few numbers
        share = 1.0 / len(members)
        mean = np.add.reduce(members) * share
        apart = members - np.where(self._mask, mean, 0.0)
        spread = np.where(self._mask, np.sqrt(np.add.reduce(apart * apart) * share), 0.0)
        worth = np.add.reduce(np.maximum.reduce(members, axis=2), axis=1)
        expected = float(np.add.reduce(worth)) * share
        doubt = math.sqrt(float(np.add.reduce(worth * worth)) * share - expected * expected + 1e-12)
        action = list(KEEP)
        for place, move in zip(self._places, all_cautious(members, self._keep, MARGIN).tolist(), strict=True):
            action[place] = move
        values = {name: row[:moves] for row, (name, moves) in zip(mean, self._heads, strict=True)}
        spreads = {name: row[:moves] for row, (name, moves) in zip(spread, self._heads, strict=True)}
        return Verdict(tuple(action), values, spreads, expected, doubt)


def _aligned(array: np.ndarray) -> np.ndarray:
    """Return a copy of ``array`` that begins at a multiple of 64 bytes: what a product rounds to depends on where it lies."""
    room = np.empty(array.nbytes + 64, dtype=np.uint8)
    begin = -room.ctypes.data % 64
    copy = room[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
