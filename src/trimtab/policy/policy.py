"""A policy at work: observations in, decisions out, in NumPy alone."""

from __future__ import annotations

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
        self._scale = file.scale
        self._forward = ActingForward(architecture, weights, np.array(file.prior), prior_weights, file.prior_scale)

    @classmethod
    def load(cls, name: str | Path = SHIPPED, **options: Any) -> Policy:
        """Return the policy ``name``: one that is shipped, or a file; PolicyError if it is neither."""
        return cls(load_policy(name), **options)

    def decide(self, observation: np.ndarray, masks: list[np.ndarray]) -> Verdict:
        """Return what to do at ``observation``, (features,), with the moves that ``masks``, (moves,) a head, allow."""
        self._forward.start(observation)
        action: list[int] = []
        values: list[np.ndarray] = []
        spreads: list[np.ndarray] = []
        worth = 0.0
        for head, mask in enumerate(masks):
            members = self._forward.values(head) * self._scale
            members = np.where(mask, members, -np.inf)
            mean = members.mean(0)
            careful = cautious(members, KEEP[head]) if self.careful else None
            action.append(int(mean.argmax()) if careful is None else careful)
            values.append(mean)
            spreads.append(np.where(mask, np.where(mask, members, 0.0).std(0), 0.0))
            worth = worth + members.max(1)
        assert isinstance(worth, np.ndarray)
        return Verdict(tuple(action), tuple(values), tuple(spreads), float(worth.mean()), float(worth.std()))
