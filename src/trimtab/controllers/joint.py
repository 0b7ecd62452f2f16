"""Many agents as one that makes all their moves, so that what they do together can be valued together.

Its heads are theirs, one after the other: a DQN adds their values ("value-decomposition", Sunehag et al. 2018; Tavakoli et
al. 2018) or lets each decide in view of those before it ("sequential").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.agents.gym_spaces import action_view, observation_view
from trimtab.errors import ControlError
from trimtab.systems import Act, Rule, System


class Joint(gymnasium.Env[np.ndarray, np.ndarray]):
    """The parallel environment ``env`` as one of Gymnasium. Who is gone is seen as zeros."""

    def __init__(self, env: Any, *, bins: int = 5) -> None:
        self.parallel = env
        self.names = tuple(env.possible_agents)
        self._seen = {name: observation_view(env.observation_space(name)) for name in self.names}
        self._acts = {name: action_view(env.action_space(name), bins=bins) for name in self.names}
        features = sum(view.features for view in self._seen.values())
        self.observation_space = spaces.Box(-np.inf, np.inf, (features,), np.float32)
        self.action_space = spaces.MultiDiscrete([moves for view in self._acts.values() for moves in view.heads])
        self.raw: Mapping[str, Any] = {}
        """What the agents see, as ``env`` gave it."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode."""
        self.raw, infos = self.parallel.reset(seed=seed, options=options)
        return self._observation(), self._info(infos)

    def step(self, action: np.ndarray | None) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Let every agent make its moves; None leaves them to what runs there by itself."""
        self.raw, rewards, terminated, truncated, infos = self.parallel.step(None if action is None else self._native(action))
        ended, cut = all(terminated.values()), all(terminated[name] or truncated[name] for name in terminated)
        return self._observation(), float(sum(rewards.values())), ended, cut and not ended, self._info(infos)

    def moves(self, native: Mapping[str, Any] | None) -> np.ndarray | None:
        """Return actions by agent as one action."""
        if native is None:
            return None
        rows = [self._acts[name].encode(native[name]) if name in native else self._nothing(name) for name in self.names]
        return np.concatenate([np.array(row) for row in rows])

    def render(self) -> Any:
        """Return the picture that the environment draws."""
        return self.parallel.render()

    def close(self) -> None:
        """Let go of what the environment holds."""
        self.parallel.close()

    def _native(self, action: np.ndarray) -> dict[str, Any]:
        found, at = dict[str, Any](), 0
        for name in self.names:
            count = len(self._acts[name].heads)
            if name in self.raw:
                found[name] = self._acts[name].decode(tuple(int(move) for move in action[at : at + count]))
            at += count
        return found

    def _nothing(self, name: str) -> tuple[int, ...]:
        return (0,) * len(self._acts[name].heads)

    def _observation(self) -> np.ndarray:
        parts = [
            view.encode(self.raw[name]) if name in self.raw else np.zeros(view.features, dtype=np.float32)
            for name, view in self._seen.items()
        ]
        return np.concatenate(parts)

    def _info(self, infos: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        costs = dict[str, float]()
        for info in infos.values():
            for cost, value in info.get("costs", {}).items():
                costs[cost] = costs.get(cost, 0.0) + value
        found: dict[str, Any] = {"costs": costs} if costs else {}
        if any("action_mask" in info for info in infos.values()):
            found["action_mask"] = [row for name in self.names for row in self._mask(name, infos.get(name, {}))]
        return found

    def _mask(self, name: str, info: Mapping[str, Any]) -> list[np.ndarray]:
        heads, given = self._acts[name].heads, info.get("action_mask")
        if given is None:
            return [np.ones(moves, dtype=bool) for moves in heads]
        return [np.asarray(row, dtype=bool) for row in ([given] if len(heads) == 1 else given)]


def together(system: System) -> System:
    """Return ``system`` with its agents as one; a system of one agent is returned as it is."""
    env = system.make("train")
    parallel = hasattr(env, "possible_agents")
    env.close()
    if not parallel:
        return system
    rules = {name: joined(rule) for name, rule in system.rules.items()}
    return replace(system, make=lambda split: Joint(system.make(split), bins=system.bins), rules=rules)


def joined(rule: Rule) -> Rule:
    """Return ``rule``, which is one for a parallel environment, as one for a Joint of it."""

    def made(env: Joint) -> Act:
        act = rule(env.parallel)
        return lambda _: env.moves(act(env.raw))

    return made


def check_coordination(coordination: str, agent: str) -> str:
    """Return ``coordination`` if ``agent`` can have it."""
    legal = ("independent", "value-decomposition", "sequential")
    if coordination not in legal:
        raise ControlError(f"coordination: expected one of {', '.join(map(repr, legal))}, got {coordination!r}")
    if coordination != "independent" and agent != "dqn":
        raise ControlError(f"coordination: expected 'independent' with agent={agent!r}: only a 'dqn' can have {coordination!r}")
    return coordination
