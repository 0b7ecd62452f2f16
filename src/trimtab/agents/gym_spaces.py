"""Gymnasium's spaces as an agent sees them: observations as vectors of numbers, actions as one move for each of some heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from trimtab.agents.checks import check_choice, check_count
from trimtab.errors import AgentError

Encode = Callable[[Any], np.ndarray]


@dataclass(frozen=True, slots=True)
class ObservationView:
    """``encode`` turns an observation of a space into ``features`` float32 numbers."""

    features: int
    encode: Encode


@dataclass(frozen=True, slots=True)
class ActionView:
    """``decode`` turns one move a head into an action of a space; ``heads`` holds the number of moves of each.

    ``encode`` turns an action into the moves that come nearest to it.
    """

    heads: tuple[int, ...]
    decode: Callable[[tuple[int, ...]], Any]
    encode: Callable[[Any], tuple[int, ...]]


def observation_view(space: spaces.Space[Any], *, discrete: str = "one-hot") -> ObservationView:
    """Return how observations of ``space`` become vectors; ``discrete`` ones "one-hot", or as one "integer" each for tables."""
    check_choice("discrete", discrete, ("one-hot", "integer"))
    if isinstance(space, spaces.Box):
        return ObservationView(int(np.prod(space.shape)), lambda value: np.asarray(value, dtype=np.float32).reshape(-1))
    if isinstance(space, spaces.MultiBinary):
        return ObservationView(int(np.prod(space.shape)), lambda value: np.asarray(value, dtype=np.float32).reshape(-1))
    if isinstance(space, spaces.Discrete):
        return _counted(np.array([space.n]), np.array([space.start]), discrete)
    if isinstance(space, spaces.MultiDiscrete):
        return _counted(space.nvec.reshape(-1), space.start.reshape(-1), discrete)
    if isinstance(space, spaces.Dict):
        return _joined([(key, observation_view(part, discrete=discrete)) for key, part in space.spaces.items()])
    if isinstance(space, spaces.Tuple):
        return _joined([(index, observation_view(part, discrete=discrete)) for index, part in enumerate(space.spaces)])
    raise AgentError(
        f"observation space: expected Box, Discrete, MultiDiscrete, MultiBinary, or a Dict or Tuple of those, got {space}"
    )


def _counted(sizes: np.ndarray, starts: np.ndarray, discrete: str) -> ObservationView:
    if discrete == "integer":
        return ObservationView(len(sizes), lambda value: (np.asarray(value).reshape(-1) - starts).astype(np.float32))
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]) - starts
    total = int(sizes.sum())

    def encode(value: Any) -> np.ndarray:
        vector = np.zeros(total, dtype=np.float32)
        vector[np.asarray(value).reshape(-1) + offsets] = 1.0
        return vector

    return ObservationView(total, encode)


def _joined(parts: list[tuple[Any, ObservationView]]) -> ObservationView:
    if not parts:
        raise AgentError("observation space: expected at least one entry in a Dict or Tuple, got none")
    features = sum(part.features for _, part in parts)
    return ObservationView(features, lambda value: np.concatenate([part.encode(value[key]) for key, part in parts]))


def action_view(space: spaces.Space[Any], *, bins: int = 5) -> ActionView:
    """Return how one move a head becomes an action of ``space``; a dimension of a Box gets ``bins`` values, ends included."""
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return ActionView((int(space.n),), lambda moves: start + moves[0], lambda action: (int(action) - start,))
    if isinstance(space, spaces.MultiDiscrete):
        starts = np.asarray(space.start)
        heads = tuple(int(n) for n in space.nvec.reshape(-1))
        return ActionView(
            heads,
            lambda moves: np.asarray(moves, dtype=space.dtype).reshape(starts.shape) + starts,
            lambda action: tuple((np.asarray(action) - starts).reshape(-1).tolist()),
        )
    if isinstance(space, spaces.MultiBinary):
        shape = space.shape
        return ActionView(
            (2,) * int(np.prod(shape)),
            lambda moves: np.asarray(moves, dtype=np.int8).reshape(shape),
            lambda action: tuple(np.asarray(action, dtype=np.int64).reshape(-1).tolist()),
        )
    if isinstance(space, spaces.Box):
        return _binned(space, check_count("bins", bins, least=2))
    raise AgentError(f"action space: expected Discrete, MultiDiscrete, MultiBinary or a bounded Box, got {space}")


def _binned(space: spaces.Box, bins: int) -> ActionView:
    low, high = space.low.astype(np.float64).reshape(-1), space.high.astype(np.float64).reshape(-1)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise AgentError(f"action space: expected a Box with finite bounds, to cut it into bins, got {space}")
    values = np.linspace(low, high, bins).astype(space.dtype)
    dimensions = np.arange(len(low))

    def encode(action: Any) -> tuple[int, ...]:
        return tuple(np.abs(values - np.asarray(action, dtype=np.float64).reshape(1, -1)).argmin(0).tolist())

    return ActionView((bins,) * len(low), lambda moves: values[list(moves), dimensions].reshape(space.shape), encode)
