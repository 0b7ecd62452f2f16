"""What an agent accepts: each check returns its argument in canonical form or raises one AgentError that names it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from trimtab.agents.protocol import Masks, Transition
from trimtab.errors import AgentError


def check_heads(heads: Sequence[int]) -> tuple[int, ...]:
    """Return ``heads`` as a tuple of at least one head of at least one move each."""
    if isinstance(heads, str) or not isinstance(heads, Sequence) or len(heads) == 0:
        raise AgentError(f"heads: expected the number of moves of at least one head, such as (3, 3), got {heads!r}")
    return tuple(check_count(f"heads[{index}]", moves) for index, moves in enumerate(heads))


def check_count(name: str, value: object, *, least: int = 1) -> int:
    """Return ``value`` as an int that is at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise AgentError(f"{name}: expected an integer of at least {least}, got {value!r}")
    return int(value)


def check_number(name: str, value: object, low: float, high: float, *, open_low: bool = False) -> float:
    """Return ``value`` as a finite float in [low, high], or in (low, high] if ``open_low``."""
    legal = f"{'(' if open_low else '['}{low:g}, {high:g}]"
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise AgentError(f"{name}: expected a finite number in {legal}, got {value!r}")
    number = float(value)
    if not low <= number <= high or (open_low and number == low):
        raise AgentError(f"{name}: expected a number in {legal}, got {value!r}")
    return number


def check_choice(name: str, value: object, legal: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``legal``."""
    if not isinstance(value, str) or value not in legal:
        raise AgentError(f"{name}: expected one of {', '.join(map(repr, legal))}, got {value!r}")
    return value


def check_observation(name: str, observation: Any, features: int) -> np.ndarray:
    """Return ``observation`` as float32 of shape (features,), every entry finite."""
    array = (
        observation if isinstance(observation, np.ndarray) and observation.dtype == np.float32 else _float32(name, observation)
    )
    if array.shape != (features,):
        raise AgentError(f"{name}: expected shape ({features},), got shape {array.shape}")
    if not np.isfinite(array).all():
        wrong = np.flatnonzero(~np.isfinite(array)).tolist()
        raise AgentError(f"{name}: expected finite numbers, got {array[wrong].tolist()} at {wrong}")
    return array


def _float32(name: str, observation: Any) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and that is refused
            return np.asarray(observation, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise AgentError(f"{name}: expected numbers, got {observation!r}") from error


def check_observations(observations: Any, features: int) -> np.ndarray:
    """Return ``observations`` as float32 of shape (n, features), every entry finite."""
    array = _float32("observations", observations)
    if array.ndim != 2 or array.shape[1] != features:
        raise AgentError(f"observations: expected shape (n, {features}), got shape {array.shape}")
    if not np.isfinite(array).all():
        raise AgentError("observations: expected finite numbers, got some that are not")
    return array


def check_masks(name: str, masks: Masks | None, heads: tuple[int, ...], *, may_be_empty: bool = False) -> Masks | None:
    """Return ``masks`` as one boolean array a head, each with at least one allowed move unless ``may_be_empty``."""
    if masks is None:
        return None
    if len(masks) != len(heads):
        raise AgentError(f"{name}: expected one mask for each of {len(heads)} heads, got {len(masks)}")
    checked = [np.asarray(mask, dtype=bool) for mask in masks]
    for index, (mask, moves) in enumerate(zip(checked, heads, strict=True)):
        if mask.shape != (moves,):
            raise AgentError(f"{name}[{index}]: expected shape ({moves},), got shape {mask.shape}")
        if not may_be_empty and not mask.any():
            raise AgentError(f"{name}[{index}]: expected at least one allowed move of {moves}, got none")
    return checked


def check_action(action: Sequence[int], heads: tuple[int, ...], name: str = "action") -> tuple[int, ...]:
    """Return ``action`` as one move index a head, each within its head."""
    if len(action) != len(heads):
        raise AgentError(f"{name}: expected one move for each of {len(heads)} heads, got {tuple(action)!r}")
    moves = tuple(int(move) for move in action)
    for index, (move, count) in enumerate(zip(moves, heads, strict=True)):
        if not 0 <= move < count:
            raise AgentError(f"{name}[{index}]: expected a move in 0..{count - 1}, got {move}")
    return moves


def check_transition(transition: Transition, features: int, heads: tuple[int, ...]) -> Transition:
    """Return ``transition`` in canonical form; the masks of a next observation that will never be acted on are dropped."""
    ended = bool(transition.terminated)
    if not isinstance(transition.reward, Real) or not math.isfinite(transition.reward):
        raise AgentError(f"reward: expected a finite number, got {transition.reward!r}")
    return Transition(
        observation=check_observation("observation", transition.observation, features),
        action=check_action(transition.action, heads),
        reward=float(transition.reward),
        next_observation=check_observation("next_observation", transition.next_observation, features),
        terminated=ended,
        truncated=bool(transition.truncated) and not ended,
        next_masks=None if ended else check_masks("next_masks", transition.next_masks, heads),
        stream=int(transition.stream),
        masks=check_masks("masks", transition.masks, heads),
    )
