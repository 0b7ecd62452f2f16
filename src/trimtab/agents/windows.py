"""From single transitions to n-step ones: a sliding window for each stream, emptied at the stream's end.

Sutton & Barto 2018, section 7.1: R = Σ_{k<n} γᵏ r_k, then γⁿ times the value of the observation n steps on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.agents.protocol import Masks, Transition
from trimtab.agents.targets import discount_sum, n_step_return


@dataclass(frozen=True, slots=True)
class LongTransition:
    """Up to n steps as one. ``reward``: Σ γᵏ r_k; ``weight``: Σ γᵏ; ``discount``: γⁿ, 0 if it terminated."""

    observation: np.ndarray
    action: tuple[int, ...]
    reward: float
    weight: float
    discount: float
    next_observation: np.ndarray
    masks: Masks | None
    next_masks: Masks | None


class Windows:
    """The last up to n − 1 transitions of every stream that has not ended."""

    def __init__(self, n: int, gamma: float) -> None:
        self.n = n
        self.gamma = gamma
        self._weights = [discount_sum(steps, gamma) for steps in range(n + 1)]
        self._streams: dict[int, deque[Transition]] = {}

    def push(self, transition: Transition) -> list[LongTransition]:
        """Return the transitions that are complete now that ``transition`` is known: n steps long, or cut by the end."""
        ended = transition.terminated or transition.truncated
        if self.n == 1:
            return [self._joined([transition])]
        window = self._streams.setdefault(transition.stream, deque())
        window.append(transition)
        done: list[LongTransition] = []
        while window and (ended or len(window) == self.n):
            done.append(self._joined(window))
            window.popleft()
        if ended:
            del self._streams[transition.stream]
        return done

    def _joined(self, window: Sequence[Transition]) -> LongTransition:
        first, last = window[0], window[-1]
        return LongTransition(
            observation=first.observation,
            action=first.action,
            reward=n_step_return([each.reward for each in window], self.gamma),
            weight=self._weights[len(window)],
            discount=0.0 if last.terminated else self.gamma ** len(window),
            next_observation=last.next_observation,
            masks=first.masks,
            next_masks=last.next_masks,
        )

    def held(self) -> list[Transition]:
        """Return the transitions that wait for later ones, stream by stream in order."""
        return [transition for window in self._streams.values() for transition in window]

    def hold(self, transitions: Sequence[Transition]) -> None:
        """Take back what ``held`` returned."""
        for transition in transitions:
            self._streams.setdefault(transition.stream, deque()).append(transition)
