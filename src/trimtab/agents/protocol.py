"""What an agent is: it sees numbers, chooses one move a head, and learns from what came of it. It knows no training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Masks = Sequence[np.ndarray]
"""One boolean array a head, shape (moves,): True where the move may be made."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an agent chose and why. One entry a head in each field.

    ``action``: the chosen move. ``values``: the value of every move, shape (moves,); −inf where it is masked.
    ``spreads``: standard deviation of the value over an ensemble, shape (moves,); zeros for a single learner.
    ``explored``: whether the choice was made to explore, not because it was valued highest.
    ``worth``: value of acting greedily here, shape (members,), as ``value`` would return it.
    """

    action: tuple[int, ...]
    values: tuple[np.ndarray, ...]
    spreads: tuple[np.ndarray, ...]
    explored: tuple[bool, ...]
    worth: np.ndarray


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an environment. Observations have shape (features,), float32; ``action`` has one index a head.

    ``terminated``: the process ended by itself, nothing follows, no bootstrapping. ``truncated``: it was cut off here,
    the next observation still has a value. ``masks`` and ``next_masks``: moves allowed at the observation and at the
    next one (None: all). ``stream``: transitions of one episode share a number and arrive in order; streams may interleave.
    """

    observation: np.ndarray
    action: tuple[int, ...]
    reward: float
    next_observation: np.ndarray
    terminated: bool
    truncated: bool = False
    next_masks: Masks | None = None
    stream: int = 0
    masks: Masks | None = None


class Agent(Protocol):
    """A learner over a factored action space: ``heads`` holds the number of moves of each head."""

    @property
    def heads(self) -> tuple[int, ...]: ...

    def decide(self, observation: np.ndarray, masks: Masks | None = None, *, explore: bool = True, stream: int = 0) -> Decision:
        """Return a choice for ``observation``, shape (features,).

        ``stream`` is that of the transition to come: exploration that holds on to one belief for an episode needs it.
        """
        ...

    def learn(self, transition: Transition) -> None:
        """Take in one transition; the agent itself decides when and how much it trains on what it has."""
        ...

    def value(self, observations: np.ndarray, masks: Sequence[Masks] | None = None) -> np.ndarray:
        """Return the value of acting greedily from each of ``observations`` (n, features), shape (members, n).

        One row for each member of the ensemble: the spread over rows is what the agent does not know.
        """
        ...

    def encode(self) -> bytes:
        """Return the whole agent, its learning state and its random state, as safetensors bytes (no pickle)."""
        ...
