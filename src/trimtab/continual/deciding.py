"""What the agents of a stream see, may do and learn from: one move at a time, tried by a challenger beside the champion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from trimtab import agents
from trimtab.agents.protocol import Agent, Transition
from trimtab.continual.branch import SPACE
from trimtab.errors import TaskError
from trimtab.seeds import generator
from trimtab.space import Settings

ORIGINS = ("champion", "earlier", "new")
"""Moves of the last head: a challenger has the champion's weights, those of an earlier checkpoint, or new ones."""

HEADS = (*SPACE.heads, len(ORIGINS))
KEEP = (*SPACE.keep(), 0)
FORGETTING = ((SPACE.live.index("replay"), 0), (SPACE.live.index("window"), 0))
"""Heads and moves that leave alone what was seen before: no replay at all, or of the latest alone."""

FEATURES = 5 + SPACE.width
NAMES = ("dqn", "sarsa", "q-learning", "random")
PRICE = 0.01
"""What a move must promise, in log loss, before anything is known of it: a trial takes half of the steps."""

STRAYING = 0.1
"""Share of the trials in which any move is made, whatever it is thought to be worth."""


@dataclass(slots=True)
class Trial:
    """A challenger on its way. ``gains``: log of the champion's loss over the challenger's, of each chunk that both saw."""

    observation: np.ndarray
    action: tuple[int, ...]
    masks: list[np.ndarray]
    gains: list[float] = field(default_factory=list[float])

    @property
    def gain(self) -> float:
        """Mean of the gains, in [-0.5, 0.5]."""
        return float(np.clip(np.mean(self.gains), -0.5, 0.5)) if self.gains else 0.0

    @property
    def won(self) -> bool:
        """Whether the challenger was better by more than a standard error."""
        return len(self.gains) > 1 and self.gain > float(np.std(self.gains)) / math.sqrt(len(self.gains) - 1)

    def state(self) -> dict[str, Any]:
        """Return all of it, as tensors and plain values."""
        masks = [torch.from_numpy(mask) for mask in self.masks]
        told = {"action": list(self.action), "masks": masks, "gains": list(self.gains)}
        return {"observation": torch.from_numpy(self.observation), **told}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Trial:
        """Return the trial that ``state`` was taken of."""
        masks = [mask.numpy() for mask in state["masks"]]
        return cls(state["observation"].numpy(), tuple(state["action"]), masks, list(state["gains"]))

    @property
    def lost(self) -> bool:
        """Whether it is so far behind that there is no use in waiting."""
        return len(self.gains) >= 3 and self.gain < -0.2


class Deciders:
    """One agent for each live setting, and one for where weights come from."""

    def __init__(self, name: str, seed: int) -> None:
        if name not in NAMES:
            raise TaskError(f"agent: expected one of {', '.join(map(repr, NAMES))} or None, got {name!r}")
        options = _OPTIONS["q-learning" if name == "sarsa" else name]
        self.agent: Agent = agents.make(name, features=FEATURES, heads=HEADS, seed=seed, **options)
        self.seed, self.count, self.changes = seed, 0, 0

    def state(self) -> dict[str, Any]:
        """Return the agents, as a tensor of bytes, and how many trials they have proposed."""
        return {
            "agent": torch.frombuffer(bytearray(self.agent.encode()), dtype=torch.uint8),
            "count": self.count,
            "changes": self.changes,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.agent = agents.decode(state["agent"].numpy().tobytes())
        self.count, self.changes = state["count"], state["changes"]

    def propose(
        self, observation: np.ndarray, settings: Settings, *, origins: Sequence[bool], changed: bool = False
    ) -> Trial | None:
        """Return a trial of the move that the agents, in doubt as they are, think most of; None if none pays.

        ``changed``: the stream has just changed; the first thing to be tried is then to leave alone what was seen before.
        """
        masks = [*SPACE.masks(settings), np.array(origins)]
        if changed:
            self.changes += 1
            for place in FORGETTING if self.changes % 2 else FORGETTING[::-1]:
                if masks[place[0]][place[1]]:
                    return Trial(observation, _single(*place), masks)
        decision = self.agent.decide(observation, masks)
        rng = generator(self.seed, "trial", self.count)
        self.count += 1
        worth: dict[tuple[int, int], float] = {}
        for head, (values, spreads) in enumerate(zip(decision.values, decision.spreads, strict=True)):
            for move in np.flatnonzero(masks[head]).tolist():
                if move != KEEP[head]:
                    # Thompson: each move as good as one member of the ensemble might think
                    worth[head, move] = float(values[move] - values[KEEP[head]] + spreads[move] * rng.standard_normal())
        stray = rng.random() < STRAYING
        head, move = [*worth][rng.integers(len(worth))] if stray else max(worth, key=lambda place: worth[place])
        if not stray and worth[head, move] <= 0:
            return None
        return Trial(observation, _single(head, move), masks)

    def learn(self, trial: Trial, observation: np.ndarray) -> None:
        """Learn from a trial that has ended, and what is seen after it."""
        self.agent.learn(
            Transition(trial.observation, trial.action, trial.gain, observation, terminated=True, masks=trial.masks)
        )


def _single(head: int, move: int) -> tuple[int, ...]:
    return tuple(move if each == head else KEEP[each] for each in range(len(HEADS)))


def challenged(settings: Settings, trial: Trial) -> tuple[Settings, str]:
    """Return the settings of the challenger, and where its weights come from."""
    return SPACE.apply(settings, trial.action[:-1]), ORIGINS[trial.action[-1]]


def observe(settings: Settings, *, trend: float, since_drift: int, index: int) -> np.ndarray:
    """Return what is seen when a challenger is sent out, (features,).

    ``trend``: log of the champion's loss of late over its level. ``since_drift``, ``index``: in chunks.
    """
    seen = (
        float(np.clip(trend, -2, 2)),
        1.0 / (1.0 + 0.2 * since_drift),
        1.0 / (1.0 + 0.05 * index),
        float(since_drift > index),
        1.0,
    )
    return np.array([*seen, *SPACE.encode(settings)], dtype=np.float32)


def log_ratio(one: float, other: float) -> float:
    """Return log(one / other) in [-2, 2], of losses; where one is not finite it is the greater.

    >>> log_ratio(float("nan"), 1.0)
    2.0
    """
    if math.isfinite(one) and math.isfinite(other):
        return float(np.clip(math.log(max(one, 1e-9) / max(other, 1e-9)), -2, 2))
    return 2.0 * (float(not math.isfinite(one)) - float(not math.isfinite(other)))


PRIOR = [np.where(np.arange(moves) == keep, 0.0, -PRICE) for moves, keep in zip(HEADS, KEEP, strict=True)]
for _head, _move in FORGETTING:
    # what matters most in a stream is asked first
    PRIOR[_head][_move] = PRICE

_DQN: dict[str, Any] = {
    "hidden": (32, 32),
    "members": 5,
    "n_step": 1,
    "gamma": 0.0,
    "batch_size": 16,
    "buffer": 2000,
    "learning_starts": 4,
    "train_every": 1,
    "gradient_steps": 8,
    "bootstrap": 0.8,
    "prior": PRIOR,
    "prior_scale": 0.02,
}
_TABLE: dict[str, Any] = {
    # whether the stream has just changed, and the rate
    "discretiser": agents.Discretiser((0.0, 0.0), (1.0, 1.0), (2, 4), (1, 5)),
    "alpha": 0.2,
    "gamma": 0.0,
    "initial": [row.tolist() for row in PRIOR],
}
_OPTIONS: dict[str, dict[str, Any]] = {"dqn": _DQN, "q-learning": _TABLE, "random": {}}
