"""A bandit without a state: how often each move succeeds, by Thompson sampling of Beta distributions.

Thompson 1933; for rewards in [0, 1] that are not 0 or 1, Agrawal & Goyal 2012, "Analysis of Thompson sampling": a reward counts
as a success with itself as probability, which here is that share of a success.
"""

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
from trimtab.agents.protocol import Decision, Masks, Transition
from trimtab.seeds import generator


class BernoulliBandit:
    """One Beta distribution for each move of each head; observations are not looked at. Rewards are clipped to [0, 1]."""

    def __init__(self, *, features: int, heads: Sequence[int], seed: int) -> None:
        self.features = check_count("features", features)
        self.heads = check_heads(heads)
        self._won = [np.ones(moves) for moves in self.heads]
        self._lost = [np.ones(moves) for moves in self.heads]
        self._rng = generator(seed, "agent", "bernoulli")

    def decide(self, observation: np.ndarray, masks: Masks | None = None, *, explore: bool = True, stream: int = 0) -> Decision:  # noqa: ARG002 (protocol)
        """Return the moves that are best by a draw from what is believed, or by its mean where nothing is explored."""
        check_observation("observation", observation, self.features)
        masks = check_masks("masks", masks, self.heads)
        action: list[int] = []
        explored: list[bool] = []
        values = self._means(masks)
        for head, (won, lost) in enumerate(zip(self._won, self._lost, strict=True)):
            greedy = int(values[head].argmax())
            drawn = np.where(values[head] > -np.inf, self._rng.beta(won, lost), -np.inf) if explore else values[head]
            action.append(int(drawn.argmax()))
            explored.append(bool(values[head][action[-1]] < values[head][greedy]))
        worth = np.mean([each.max() for each in values], keepdims=True)
        return Decision(tuple(action), tuple(values), tuple(self._spreads()), tuple(explored), worth)

    def learn(self, transition: Transition) -> None:
        """Count the reward as a share of a success for each move that was made."""
        transition = check_transition(transition, self.features, self.heads)
        share = min(1.0, max(0.0, transition.reward))
        for won, lost, move in zip(self._won, self._lost, transition.action, strict=True):
            won[move] += share
            lost[move] += 1.0 - share

    def value(self, observations: np.ndarray, masks: Sequence[Masks] | None = None) -> np.ndarray:
        """Return the mean over heads of the best expected reward, the same for all observations but for masks, shape (1, n)."""
        count = len(check_observations(observations, self.features))
        worth = np.empty((1, count))
        for index in range(count):
            allowed = None if masks is None else check_masks(f"masks[{index}]", masks[index], self.heads)
            worth[0, index] = np.mean([each.max() for each in self._means(allowed)])
        return worth

    def encode(self) -> bytes:
        """Return the agent as safetensors bytes."""
        arrays = {f"won.{head}": won for head, won in enumerate(self._won)}
        arrays |= {f"lost.{head}": lost for head, lost in enumerate(self._lost)}
        state = {"features": self.features, "heads": self.heads, "random": random_state(self._rng)}
        return pack("bernoulli", arrays, state)

    @classmethod
    def from_archive(cls, archive: Archive) -> Self:
        """Return the agent that was encoded."""
        agent = cls(features=archive.state["features"], heads=archive.state["heads"], seed=0)
        agent._won = [archive.arrays[f"won.{head}"].copy() for head in range(len(agent.heads))]
        agent._lost = [archive.arrays[f"lost.{head}"].copy() for head in range(len(agent.heads))]
        agent._rng = restored_generator(archive.state["random"])
        return agent

    def _means(self, masks: Masks | None) -> list[np.ndarray]:
        means = [won / (won + lost) for won, lost in zip(self._won, self._lost, strict=True)]
        return means if masks is None else [np.where(mask, mean, -np.inf) for mask, mean in zip(masks, means, strict=True)]

    def _spreads(self) -> list[np.ndarray]:
        """Return the standard deviations of the Beta distributions."""
        return [
            np.sqrt(won * lost / ((won + lost) ** 2 * (won + lost + 1)))
            for won, lost in zip(self._won, self._lost, strict=True)
        ]
