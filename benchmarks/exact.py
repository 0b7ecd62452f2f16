"""Exact values of Gymnasium's tabular environments by dynamic programming over their published transition tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np


@dataclass(frozen=True, slots=True)
class Process:
    """A finite Markov decision process. ``chance`` (S, A, S) of going on in a state, ``reward`` (S, A), ``start`` (S,)."""

    chance: np.ndarray
    reward: np.ndarray
    start: np.ndarray
    horizon: int

    @classmethod
    def of(cls, env: gymnasium.Env[Any, Any], horizon: int) -> Process:
        """Return the process of an environment that publishes its table as ``P[state][action]``."""
        inner: Any = env.unwrapped
        states, actions = int(inner.observation_space.n), int(inner.action_space.n)
        chance = np.zeros((states, actions, states))
        reward = np.zeros((states, actions))
        for state in range(states):
            for action in range(actions):
                for probability, following, gain, ended in inner.P[state][action]:
                    reward[state, action] += probability * gain
                    chance[state, action, following] += 0.0 if ended else probability
        return cls(chance, reward, np.asarray(inner.initial_state_distrib, dtype=float), horizon)

    def optimum(self) -> float:
        """Return the highest mean return that any policy, the time left in view, can have."""
        value = np.zeros(len(self.start))
        for _ in range(self.horizon):
            value = (self.reward + self.chance @ value).max(1)
        return float(self.start @ value)

    def mean_return(self, policy: np.ndarray) -> float:
        """Return the mean return of a deterministic ``policy``, shape (S,), within the horizon."""
        states = np.arange(len(self.start))
        chance, reward = self.chance[states, policy], self.reward[states, policy]
        value = np.zeros(len(self.start))
        for _ in range(self.horizon):
            value = reward + chance @ value
        return float(self.start @ value)
