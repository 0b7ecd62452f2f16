"""Agents on Gymnasium environments: learn for some steps, then be judged on fresh episodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import gymnasium
import numpy as np

from trimtab.agents.checks import check_count
from trimtab.agents.gym_spaces import ActionView, ObservationView, action_view, observation_view
from trimtab.agents.protocol import Agent, Masks, Transition
from trimtab.errors import AgentError
from trimtab.seeds import derive


@dataclass(frozen=True, slots=True)
class AgentEnv:
    """An environment as an agent sees it: ``features`` numbers in, one move for each of ``heads`` out.

    With ``masks``, the environment's ``info["action_mask"]`` (one array, or one a head) says which moves are allowed.
    """

    env: gymnasium.Env[Any, Any]
    observations: ObservationView
    actions: ActionView
    masks: bool = False

    @property
    def features(self) -> int:
        """Length of an observation."""
        return self.observations.features

    @property
    def heads(self) -> tuple[int, ...]:
        """Number of moves of each head."""
        return self.actions.heads

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, Masks | None]:
        """Start an episode; return its first observation and what is allowed there."""
        observation, info = self.env.reset(seed=seed)
        return self.observations.encode(observation), self._allowed(info)

    def step(self, action: tuple[int, ...]) -> tuple[np.ndarray, float, bool, bool, Masks | None]:
        """Make one move a head; return the next observation, reward, terminated, truncated, and what is allowed next."""
        observation, reward, terminated, truncated, info = self.env.step(self.actions.decode(action))
        return self.observations.encode(observation), float(reward), bool(terminated), bool(truncated), self._allowed(info)

    def _allowed(self, info: dict[str, Any]) -> Masks | None:
        if not self.masks:
            return None
        if "action_mask" not in info:
            raise AgentError('masks: expected the environment to give info["action_mask"], got none; use masks=False')
        given = info["action_mask"]
        return [np.asarray(given, dtype=bool)] if len(self.heads) == 1 else [np.asarray(mask, dtype=bool) for mask in given]


def adapt(
    env: gymnasium.Env[Any, Any] | AgentEnv, *, discrete: str = "one-hot", bins: int = 5, masks: bool = False
) -> AgentEnv:
    """Return ``env`` as an agent sees it.

    ``discrete`` observations become "one-hot" vectors, or one "integer" each (for tables); each dimension of a Box action is
    cut into ``bins`` values. A space that cannot be had is an AgentError.
    """
    if isinstance(env, AgentEnv):
        return env
    return AgentEnv(
        env, observation_view(env.observation_space, discrete=discrete), action_view(env.action_space, bins=bins), masks
    )


@dataclass(frozen=True, slots=True)
class TrainingCurve:
    """The return and the length of every episode that ended, in order; ``steps`` in all."""

    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    steps: int

    def mean_return(self, episodes: int = 100) -> float:
        """Return the mean return of the last ``episodes``; NaN if none ended."""
        last = self.returns[-episodes:]
        return float(np.mean(last)) if last else float("nan")

    @classmethod
    def of(cls, returns: list[float], lengths: list[int], steps: int) -> Self:
        """Return the curve of these lists."""
        return cls(tuple(returns), tuple(lengths), steps)


def train(
    agent: Agent,
    env: gymnasium.Env[Any, Any] | AgentEnv,
    *,
    steps: int | None = None,
    episodes: int | None = None,
    seed: int = 0,
    on_episode: Callable[[float, int], None] | None = None,
) -> TrainingCurve:
    """Let ``agent`` learn on ``env`` for a number of ``steps`` or of ``episodes``; return how it went.

    An episode that the last step cuts off is told to the agent as truncated. ``on_episode`` is called with the return and the
    number of steps so far whenever an episode ends.
    """
    if (steps is None) == (episodes is None):
        raise AgentError(f"steps, episodes: expected one of them, got steps={steps!r} and episodes={episodes!r}")
    last_step = check_count("steps", steps) if steps is not None else None
    last_episode = check_count("episodes", episodes) if episodes is not None else None
    view = _fitting(agent, env)
    returns: list[float] = []
    lengths: list[int] = []
    done = 0
    while done != last_step and len(returns) != last_episode:
        left = None if last_step is None else last_step - done
        total, length, ended = _episode(agent, view, len(returns), derive(seed, "train") if not done else None, left)
        done += length
        if ended:
            returns.append(total)
            lengths.append(length)
            if on_episode is not None:
                on_episode(total, done)
    return TrainingCurve.of(returns, lengths, done)


def _episode(agent: Agent, view: AgentEnv, stream: int, seed: int | None, left: int | None) -> tuple[float, int, bool]:
    """Play one learning episode of at most ``left`` steps; return its return, its length and whether it ended by itself."""
    observation, masks = view.reset(seed)
    total = 0.0
    length = 0
    while True:
        action = agent.decide(observation, masks, stream=stream).action
        following, reward, terminated, truncated, next_masks = view.step(action)
        total += reward
        length += 1
        ended = terminated or truncated
        cut = length == left and not ended
        transition = Transition(
            observation,
            action,
            reward,
            following,
            terminated,
            truncated or cut,
            None if terminated else next_masks,
            stream,
            masks,
        )
        agent.learn(transition)
        if ended or cut:
            return total, length, ended
        observation, masks = following, next_masks


def evaluate(agent: Agent, env: gymnasium.Env[Any, Any] | AgentEnv, *, episodes: int = 100, seed: int = 0) -> np.ndarray:
    """Return the returns of ``episodes`` greedy episodes, each from a seed of its own, shape (episodes,)."""
    view = _fitting(agent, env)
    returns = np.zeros(check_count("episodes", episodes))
    for episode in range(len(returns)):
        observation, masks = view.reset(derive(seed, "evaluate", episode))
        ended = False
        while not ended:
            action = agent.decide(observation, masks, explore=False).action
            observation, reward, terminated, truncated, masks = view.step(action)
            returns[episode] += reward
            ended = terminated or truncated
    return returns


def _fitting(agent: Agent, env: gymnasium.Env[Any, Any] | AgentEnv) -> AgentEnv:
    view = adapt(env)
    if view.heads != agent.heads:
        raise AgentError(f"env: expected an action space of heads {agent.heads}, which the agent has, got {view.heads}")
    return view
