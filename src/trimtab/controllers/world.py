"""Any environment as a set of named agents that see numbers and make moves: Gymnasium's, or a parallel one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from trimtab.agents.gym_spaces import ActionView, ObservationView, action_view, observation_view
from trimtab.agents.protocol import Masks
from trimtab.errors import ControlError, TrimtabError
from trimtab.systems import Split, System

ALONE = "agent"
"""What the agent of a Gymnasium environment, which has no names, is called."""
Moves = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to see of a system between two steps, by agent.

    ``raw``: the observation as the environment gave it. ``observations``: as numbers, shape (features,), of the agents that
    decide now, and ``masks`` of their moves (None: all are allowed). ``rewards``: of the last step. ``terminated``: agents
    for whom nothing follows; ``truncated``: those who were cut off. ``costs``: named costs of the last step, of the whole.
    """

    raw: Any
    observations: Mapping[str, np.ndarray]
    masks: Mapping[str, Masks | None]
    rewards: Mapping[str, float]
    costs: Mapping[str, float]
    terminated: frozenset[str]
    truncated: frozenset[str]
    over: bool


class World:
    """What ``make`` makes, as agents see it. What it returns is checked, and whatever it raises becomes a ControlError."""

    def __init__(self, make: Callable[[], Any], *, bins: int = 5, discrete: str = "one-hot") -> None:
        self.make = make
        self.env = env = make()
        self.parallel = hasattr(env, "possible_agents")
        _check_kind(env, parallel=self.parallel)
        self.agents: tuple[str, ...] = tuple(env.possible_agents) if self.parallel else (ALONE,)
        if not self.agents:
            raise ControlError("env: expected at least one agent in possible_agents, got none")
        self._seen: dict[str, ObservationView] = {}
        self._acts: dict[str, ActionView] = {}
        for agent in self.agents:
            space, actions = self.spaces(agent)
            self._seen[agent] = observation_view(space, discrete=discrete)
            self._acts[agent] = action_view(actions, bins=bins)

    def spaces(self, agent: str) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
        """Return the observation and the action space of ``agent``."""
        if self.parallel:
            return self.env.observation_space(agent), self.env.action_space(agent)
        return self.env.observation_space, self.env.action_space

    def features(self, agent: str) -> int:
        """Return the length of what ``agent`` observes."""
        return self._seen[agent].features

    def heads(self, agent: str) -> Moves:
        """Return the number of moves of each knob of ``agent``."""
        return self._acts[agent].heads

    def kind(self, agent: str) -> str:
        """Return a text that is the same for agents who can share what they learn: their spaces are equal."""
        return f"{self.features(agent)} -> {self.spaces(agent)[1]}"

    def reset(self, seed: int) -> Moment:
        """Begin the episode of ``seed``."""
        try:
            # environments seed NumPy's older generators, which take 32 bits
            answer = self.env.reset(seed=seed % 2**31)
        except Exception as error:
            raise _failed("reset", error) from error
        if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping)):
            raise ControlError(f"env: expected reset() to return an observation and a dict of infos; {_WRAP}")
        observation, info = answer
        nothing = dict.fromkeys(self.agents, 0.0)
        return self._moment(observation, info, nothing, frozenset(), frozenset())

    def step(self, moves: Mapping[str, Moves]) -> Moment:
        """Let every agent in ``moves`` make its moves."""
        return self.act(self.native(moves))

    def native(self, moves: Mapping[str, Moves]) -> Any:
        """Return ``moves`` as an action of the environment."""
        decoded = {agent: self._acts[agent].decode(each) for agent, each in moves.items()}
        return decoded if self.parallel else decoded[ALONE]

    def act(self, action: Any) -> Moment:
        """Take ``action`` as the environment has it; None leaves the system to what runs there by itself."""
        try:
            answer = self.env.step(action)
        except Exception as error:
            raise _failed("step", error) from error
        if not (isinstance(answer, tuple) and len(answer) == 5):
            raise ControlError(f"env: expected step() to return five values, got {_count(answer)}; {_WRAP}")
        observation, reward, terminated, truncated, info = answer
        if not self.parallel:
            reward, terminated, truncated = {ALONE: reward}, {ALONE: terminated}, {ALONE: truncated}
        ended = frozenset(agent for agent, end in terminated.items() if end)
        cut = frozenset(agent for agent, end in truncated.items() if end)
        return self._moment(observation, info, {agent: float(each) for agent, each in reward.items()}, ended, cut)

    def moves(self, action: Any) -> dict[str, Moves]:
        """Return the moves of every agent that come nearest to ``action``, which is as the environment has it."""
        native = action if self.parallel else {ALONE: action}
        return {agent: self._acts[agent].encode(each) for agent, each in native.items()}

    def renew(self) -> None:
        """Put a new environment in the place of one that has failed."""
        self.close()
        self.env = self.make()

    def close(self) -> None:
        """Let go of what the environment holds, if it still can."""
        with suppress(Exception):
            self.env.close()

    def _moment(
        self, raw: Any, info: Mapping[str, Any], rewards: dict[str, float], ended: frozenset[str], cut: frozenset[str]
    ) -> Moment:
        by_agent: Mapping[str, Any] = raw if self.parallel else {ALONE: raw}
        infos: Mapping[str, Mapping[str, Any]] = info if self.parallel else {ALONE: info}
        seen = {agent: self._encoded(agent, value) for agent, value in by_agent.items()}
        for agent, reward in rewards.items():
            _check_finite(f"reward of {agent}", reward)
        masks = {agent: self._mask(agent, infos.get(agent, {})) for agent in seen if agent not in ended}
        over = not (set(self.agents) if not self.parallel else set(by_agent)) - ended - cut
        return Moment(raw, seen, masks, rewards, _sum(infos.values()), ended, cut, over)

    def _encoded(self, agent: str, value: Any) -> np.ndarray:
        view = self._seen.get(agent)
        if view is None:
            raise ControlError(f"env: {agent!r} is not among its possible_agents, which are {', '.join(self.agents)}")
        try:
            encoded = view.encode(value)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ControlError(f"env: the observation of {agent} does not fit its observation space: {error}") from error
        if encoded.shape != (view.features,):
            raise ControlError(f"env: expected {view.features} numbers in the observation of {agent}, got {encoded.shape}")
        _check_finite(f"observation of {agent}", float(encoded.sum()))
        return encoded

    def _mask(self, agent: str, info: Mapping[str, Any]) -> Masks | None:
        given = info.get("action_mask")
        if given is None:
            return None
        heads = self.heads(agent)
        rows = [given] if len(heads) == 1 else list(given)
        return [np.asarray(row, dtype=bool).reshape(-1) for row in rows]


def open_world(system: System, split: Split, agent: str) -> World:
    """Return the world of ``split``; tables see observations that are whole numbers as such."""
    discrete = "integer" if agent in ("q-learning", "sarsa") else "one-hot"
    return World(lambda: system.make(split), bins=system.bins, discrete=discrete)


_WRAP = (
    "environments of the old Gym are wrapped by gymnasium.make('GymV21Environment-v0', env=env) or "
    "gymnasium.make('GymV26Environment-v0', env=env), of the package shimmy"
)


def _failed(verb: str, error: Exception) -> TrimtabError:
    """Return the error of an environment whose ``verb`` raised ``error``: a simulator may raise anything.

    What trimtab says itself, such as that data or an extra are missing, is not put into other words.
    """
    if isinstance(error, TrimtabError):
        return error
    if verb == "reset" and isinstance(error, TypeError) and "seed" in str(error):
        return ControlError(f"env: expected reset(seed=...), as Gymnasium has it, got {error}; {_WRAP}")
    return ControlError(f"env: {verb}() failed with {type(error).__name__}: {error}")


def _check_kind(env: Any, *, parallel: bool) -> None:
    missing = [name for name in ("reset", "step", "observation_space", "action_space") if not hasattr(env, name)]
    if missing:
        raise ControlError(
            f"env: expected an environment of Gymnasium or a parallel one of PettingZoo, got {type(env).__name__}, "
            f"which has no {' and no '.join(missing)}"
        )
    if not parallel and not isinstance(env.action_space, spaces.Space):
        raise ControlError(f"env: expected spaces of Gymnasium, got {type(env.action_space).__name__}; {_WRAP}")


def _check_finite(what: str, value: float) -> None:
    if not math.isfinite(value):
        raise ControlError(f"env: expected finite numbers in the {what}, got {value!r}")


def _count(answer: object) -> str:
    return f"{len(answer)} values" if isinstance(answer, tuple) else type(answer).__name__


def _sum(infos: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for info in infos:
        for name, cost in info.get("costs", {}).items():
            _check_finite(f"cost {name!r}", cost)
            total[name] = total.get(name, 0.0) + float(cost)
    return total
