"""The agent that learns nothing: the baseline which every other has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from trimtab.agents.archive import Archive, pack, random_state, restored_generator
from trimtab.agents.checks import (
    check_count,
    check_heads,
    check_masks,
    check_observation,
    check_observations,
    check_transition,
)
from trimtab.agents.initial import no_spreads
from trimtab.agents.protocol import Decision, Masks, Transition
from trimtab.seeds import generator


class RandomAgent:
    """Every allowed move is as likely as the others; every value is 0."""

    def __init__(self, *, features: int, heads: Sequence[int], seed: int) -> None:
        self.features = check_count("features", features)
        self.heads = check_heads(heads)
        self._rng = generator(seed, "agent", "random")
        self._certain = no_spreads(self.heads)

    def decide(self, observation: np.ndarray, masks: Masks | None = None, *, explore: bool = True, stream: int = 0) -> Decision:  # noqa: ARG002 (protocol)
        """Return a random choice."""
        check_observation("observation", observation, self.features)
        masks = check_masks("masks", masks, self.heads)
        allowed = [np.ones(moves, dtype=bool) for moves in self.heads] if masks is None else list(masks)
        action = tuple(int(self._rng.choice(mask.nonzero()[0])) for mask in allowed)
        values = tuple(np.where(mask, 0.0, -np.inf) for mask in allowed)
        return Decision(action, values, self._certain, (explore,) * len(self.heads), np.zeros(1))

    def learn(self, transition: Transition) -> None:
        """Check the transition and forget it."""
        check_transition(transition, self.features, self.heads)

    def value(self, observations: np.ndarray, masks: Sequence[Masks] | None = None) -> np.ndarray:  # noqa: ARG002 (protocol)
        """Return zeros, shape (1, n)."""
        return np.zeros((1, len(check_observations(observations, self.features))))

    def encode(self) -> bytes:
        """Return the agent as safetensors bytes."""
        state = {"features": self.features, "heads": self.heads, "random": random_state(self._rng)}
        return pack("random", {}, state)

    @classmethod
    def from_archive(cls, archive: Archive) -> Self:
        """Return the agent that was encoded."""
        agent = cls(features=archive.state["features"], heads=archive.state["heads"], seed=0)
        agent._rng = restored_generator(archive.state["random"])
        return agent
