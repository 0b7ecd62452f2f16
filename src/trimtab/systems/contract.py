"""What every system must do, as a test class to inherit from.

class TestCologne1(SystemContract):
    system = find("traffic/cologne1")
    steps = 50
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from trimtab.systems.system import System


class SystemContract:
    """Tests of ``system``: ``steps`` of an episode at most, where a whole one takes too long."""

    system: System
    steps: int = 10_000

    @property
    def _usual(self) -> str:
        return self.system.trusted or next(iter(self.system.rules))

    def test_observations_lie_in_their_spaces(self) -> None:
        env = self.system.make("train")
        try:
            for observations, _ in self._play(env, seed=1, rule=self._usual):
                for space, observation in _by_agent(env, observations, _observation_space):
                    assert space.contains(observation), f"{observation} is not in {space}"
        finally:
            env.close()

    def test_the_same_seed_gives_the_same_episode(self) -> None:
        first, again, other = (self._signature(seed) for seed in (3, 3, 4))
        assert first == again
        assert first != other, "two seeds gave the same episode"

    def test_every_rule_plays_and_costs_are_finite(self) -> None:
        assert self._usual in self.system.rules
        for name in self.system.rules:
            env = self.system.make("validation")
            try:
                costs = _total(self._play(env, seed=5, rule=name))
            finally:
                env.close()
            assert self.system.cost in costs, f"{name}: {self.system.cost!r} is not among the costs {sorted(costs)}"
            assert all(math.isfinite(cost) for cost in costs.values()), f"{name}: {costs}"

    def test_random_legal_actions_play(self) -> None:
        env = self.system.make("train")
        rng = np.random.default_rng(0)
        try:
            observation, info = env.reset(seed=2)
            for _ in range(self.steps):
                observation, _, terminated, truncated, info = env.step(_random_action(env, observation, info, rng))
                if _over(terminated, truncated):
                    break
        finally:
            env.close()

    def _signature(self, seed: int) -> tuple[dict[str, float], list[float]]:
        env = self.system.make("train")
        try:
            played = list(self._play(env, seed=seed, rule=self._usual))
        finally:
            env.close()
        sums = [float(sum(np.sum(part) for _, part in _by_agent(env, seen, _observation_space))) for seen, _ in played]
        return _total(played), sums

    def _play(self, env: Any, *, seed: int, rule: str) -> list[tuple[Any, Mapping[str, float]]]:
        """Return the observations and the costs of the steps of an episode."""
        observation, _ = env.reset(seed=seed)
        act = self.system.rules[rule](env)
        played: list[tuple[Any, Mapping[str, float]]] = [(observation, {})]
        for _ in range(self.steps):
            observation, _, terminated, truncated, info = env.step(act(observation))
            played.append((observation, _costs(env, info)))
            if _over(terminated, truncated):
                break
        return played


def _total(played: list[tuple[Any, Mapping[str, float]]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for _, costs in played:
        for name, cost in costs.items():
            total[name] = total.get(name, 0.0) + cost
    return total


def _costs(env: Any, info: Mapping[str, Any]) -> Mapping[str, float]:
    if not _is_parallel(env):
        return info.get("costs", {})
    total: dict[str, float] = {}
    for agent in info:
        for name, cost in info[agent].get("costs", {}).items():
            total[name] = total.get(name, 0.0) + cost
    return total


def _over(terminated: Any, truncated: Any) -> bool:
    if isinstance(terminated, Mapping):
        return all(terminated[agent] or truncated[agent] for agent in terminated)
    return bool(terminated or truncated)


def _is_parallel(env: Any) -> bool:
    return hasattr(env, "possible_agents")


def _observation_space(env: Any, agent: str | None) -> spaces.Space[Any]:
    return env.observation_space if agent is None else env.observation_space(agent)


def _by_agent(env: Any, values: Any, space: Any) -> list[tuple[Any, Any]]:
    if not _is_parallel(env):
        return [(space(env, None), values)]
    return [(space(env, agent), value) for agent, value in values.items()]


def _random_action(env: Any, observation: Any, info: Mapping[str, Any], rng: np.random.Generator) -> Any:
    if _is_parallel(env):
        return {agent: _random_move(env.action_space(agent), info[agent], rng) for agent in observation}
    return _random_move(env.action_space, info, rng)


def _random_move(space: spaces.Space[Any], info: Mapping[str, Any], rng: np.random.Generator) -> Any:
    mask = info.get("action_mask")
    if mask is None:
        space.seed(int(rng.integers(2**31)))
        return space.sample()
    if isinstance(space, spaces.Discrete):
        return int(space.start + rng.choice(np.flatnonzero(mask)))
    return np.array([rng.choice(np.flatnonzero(row)) for row in mask])
