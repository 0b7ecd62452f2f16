"""A policy at work: observations in, decisions out, without a tensor library in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.agents.acting import ActingForward
from trimtab.agents.caution import cautious
from trimtab.agents.network import Architecture
from trimtab.policy.archive import SHIPPED, PolicyFile, load_policy
from trimtab.policy.levers import KEEP


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy makes of one observation.

    ``action``: one move a head. ``values``, ``spreads``: of every move of each head, mean and standard deviation over the
    ensemble, as differences of log loss; −inf where a move may not be made. ``expected``: by how much the log loss is going to
    fall until the end of the run more than in a run steered by the policy with its exploration. ``doubt``: its deviation.
    """

    action: tuple[int, ...]
    values: tuple[np.ndarray, ...]
    spreads: tuple[np.ndarray, ...]
    expected: float
    doubt: float


class Policy:
    """An ensemble of value networks. ``careful``: it changes a lever only where all members agree that a change is better."""

    def __init__(self, file: PolicyFile, *, careful: bool = False) -> None:
        shape: dict[str, Any] = dict(file.architecture)
        shape["heads"], shape["hidden"] = tuple(shape["heads"]), tuple(shape["hidden"])
        architecture = Architecture(**shape)
        weights = {name: array for name, array in file.arrays.items() if not name.startswith("prior.")}
        prior_weights = {name: array for name, array in file.arrays.items() if name.startswith("prior.")}
        self.careful = careful
        self.card = file.card
        self._heads = architecture.heads
        self._mask = np.zeros((len(architecture.heads), architecture.moves), dtype=bool)
        self._scale = file.scale
        self._forward = ActingForward(architecture, weights, np.array(file.prior), prior_weights, file.prior_scale)

    @classmethod
    def load(cls, name: str | Path = SHIPPED, **options: Any) -> Policy:
        """Return the policy ``name``: one that is shipped, or a file; PolicyError if it is neither."""
        return cls(load_policy(name), **options)

    def decide(self, observation: np.ndarray, masks: list[np.ndarray]) -> Verdict:
        """Return what to do at ``observation``, (features,), with the moves that ``masks``, (moves,) a head, allow."""
        self._forward.start(observation)
        members = self._forward.table() * self._scale
        for row, mask in zip(self._mask, masks, strict=True):
            row[: len(mask)] = mask
        members[:, ~self._mask] = -np.inf
        # sums, not mean() and std(): those cost several times as much on so few numbers
        share = 1.0 / len(members)
        mean = np.add.reduce(members) * share
        apart = members - np.where(self._mask, mean, 0.0)
        spread = np.where(self._mask, np.sqrt(np.add.reduce(apart * apart) * share), 0.0)
        worth = np.add.reduce(np.maximum.reduce(members, axis=2), axis=1)
        expected = float(np.add.reduce(worth)) * share
        doubt = math.sqrt(float(np.add.reduce(worth * worth)) * share - expected * expected + 1e-12)
        if self.careful:
            action = tuple(cautious(members[:, head, :], keep) for head, keep in enumerate(KEEP))
        else:
            action = tuple(mean.argmax(1).tolist())
        values = tuple(row[:moves] for row, moves in zip(mean, self._heads, strict=True))
        spreads = tuple(row[:moves] for row, moves in zip(spread, self._heads, strict=True))
        return Verdict(action, values, spreads, expected, doubt)
