"""A linear contextual bandit: the reward of each move as a linear function of what is observed, with its uncertainty.

LinUCB with disjoint models, Li, Chu, Langford & Schapire 2010; "thompson": Agrawal & Goyal 2013. It does not look ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from trimtab.agents.archive import Archive, pack, random_state, restored_generator
from trimtab.agents.checks import (
    check_choice,
    check_count,
    check_heads,
    check_masks,
    check_number,
    check_observation,
    check_observations,
    check_transition,
)
from trimtab.agents.protocol import Decision, Masks, Transition
from trimtab.seeds import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearOptions:
    """``width`` α: how many standard deviations are added ("ucb") or drawn ("thompson"); ``ridge`` λ of the regression."""

    exploration: str = "ucb"
    width: float = 1.0
    ridge: float = 1.0

    def __post_init__(self) -> None:
        check_choice("exploration", self.exploration, ("ucb", "thompson"))
        check_number("width", self.width, 0.0, 1e6)
        check_number("ridge", self.ridge, 0.0, 1e6, open_low=True)


class LinearBandit:
    """A ridge regression for each move of each head, on the observation and a constant."""

    def __init__(self, *, features: int, heads: Sequence[int], seed: int, options: LinearOptions) -> None:
        self.features = check_count("features", features)
        self.heads = check_heads(heads)
        self.options = options
        size = self.features + 1
        self._inverse = [np.tile(np.eye(size) / options.ridge, (moves, 1, 1)) for moves in self.heads]
        self._moment = [np.zeros((moves, size)) for moves in self.heads]
        self._rng = generator(seed, "agent", "linear", "ties")

    def decide(self, observation: np.ndarray, masks: Masks | None = None, *, explore: bool = True, stream: int = 0) -> Decision:  # noqa: ARG002 (protocol)
        """Return the moves with the highest bound, or draw; of the highest mean where nothing is explored."""
        observation = check_observation("observation", observation, self.features)
        masks = check_masks("masks", masks, self.heads)
        action: list[int] = []
        explored: list[bool] = []
        values, spreads = self._judged(observation, masks)
        for mean, spread in zip(values, spreads, strict=True):
            greedy = int(mean.argmax())
            move = int((mean + self._bonus(spread)).argmax()) if explore else greedy
            action.append(move)
            explored.append(bool(mean[move] < mean[greedy]))
        worth = np.mean([mean.max() for mean in values], keepdims=True)
        return Decision(tuple(action), tuple(values), tuple(spreads), tuple(explored), worth)

    def _bonus(self, spread: np.ndarray) -> np.ndarray:
        if self.options.exploration == "ucb":
            # equal bounds are broken at random: before anything is learned all of them are
            return self.options.width * spread + 1e-9 * self._rng.random(len(spread))
        return self.options.width * spread * self._rng.standard_normal(len(spread))

    def learn(self, transition: Transition) -> None:
        """Take in one reward, by the Sherman-Morrison formula."""
        transition = check_transition(transition, self.features, self.heads)
        x = np.append(transition.observation.astype(np.float64), 1.0)
        for inverse, moment, move in zip(self._inverse, self._moment, transition.action, strict=True):
            along = inverse[move] @ x
            inverse[move] -= np.outer(along, along) / (1.0 + x @ along)
            moment[move] += transition.reward * x

    def value(self, observations: np.ndarray, masks: Sequence[Masks] | None = None) -> np.ndarray:
        """Return the mean over heads of the best expected reward at each of ``observations`` (n, features), shape (1, n)."""
        observations = check_observations(observations, self.features)
        worth = np.empty((1, len(observations)))
        for index, observation in enumerate(observations):
            allowed = None if masks is None else check_masks(f"masks[{index}]", masks[index], self.heads)
            worth[0, index] = np.mean([mean.max() for mean in self._judged(observation, allowed)[0]])
        return worth

    def encode(self) -> bytes:
        """Return the agent as safetensors bytes."""
        arrays = {f"inverse.{head}": inverse for head, inverse in enumerate(self._inverse)}
        arrays |= {f"moment.{head}": moment for head, moment in enumerate(self._moment)}
        state = {"features": self.features, "heads": self.heads, "options": asdict(self.options)}
        return pack("linear", arrays, {**state, "random": random_state(self._rng)})

    @classmethod
    def from_archive(cls, archive: Archive) -> Self:
        """Return the agent that was encoded."""
        state, arrays = archive.state, archive.arrays
        options = LinearOptions(**state["options"])
        agent = cls(features=state["features"], heads=state["heads"], seed=0, options=options)
        agent._inverse = [arrays[f"inverse.{head}"].copy() for head in range(len(agent.heads))]
        agent._moment = [arrays[f"moment.{head}"].copy() for head in range(len(agent.heads))]
        agent._rng = restored_generator(state["random"])
        return agent

    def _judged(self, observation: np.ndarray, masks: Masks | None) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the expected reward of each move of each head, −inf where it is masked, and its standard deviation."""
        x = np.append(observation.astype(np.float64), 1.0)
        values, spreads = list[np.ndarray](), list[np.ndarray]()
        for head, (inverse, moment) in enumerate(zip(self._inverse, self._moment, strict=True)):
            along = inverse @ x
            mean, spread = np.einsum("mf,mf->m", along, moment), np.sqrt(np.maximum(along @ x, 0.0))
            values.append(mean if masks is None else np.where(masks[head], mean, -np.inf))
            spreads.append(spread if masks is None else np.where(masks[head], spread, 0.0))
        return values, spreads
