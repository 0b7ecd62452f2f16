"""Small systems for tests: a lamp post whose lamp should burn at night, and a corridor of valves that share their water."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.systems import System

FUSES = itertools.count()
"""Every third one blows."""


class Lamp(gymnasium.Env[np.ndarray, int]):
    """24 hours of light or dark; burning by day costs power, darkness by night costs safety. ``fault``: what goes wrong."""

    def __init__(self, fault: str = "") -> None:
        self.observation_space = spaces.Box(0.0, 1.0, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.fault = fault

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.hour, self.dusk = 0, int(self.np_random.integers(14, 20))
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        dark = self.hour >= self.dusk
        power, danger = float(action == 1), 3.0 * float(dark and action == 0)
        self.hour += 1
        if self.fault == "crash" and self.hour == 12 and next(FUSES) % 3 == 0:
            raise RuntimeError("the fuse blew")
        if self.fault.startswith("die:") and self.hour == 12 and not Path(self.fault[4:]).exists():
            Path(self.fault[4:]).touch()
            os._exit(9)
        if self.fault == "always" and self.hour == 12:
            raise RuntimeError("the fuse blew")
        seen = self._seen()
        if self.fault == "nan" and self.hour == 12:
            seen = seen * np.nan
        if self.fault == "shape" and self.hour == 12:
            seen = np.zeros(3, dtype=np.float32)
        costs = {"cost": power + danger, "power": power}
        return seen, -(power + danger) / 10, False, self.hour == 24, {"costs": costs}

    @property
    def dark(self) -> bool:
        return self.hour >= self.dusk

    def _seen(self) -> np.ndarray:
        return np.array([self.hour / 24, float(self.hour >= self.dusk)], dtype=np.float32)

    def render(self) -> np.ndarray:
        return np.full((8, 8, 3), 255 if not self.dark else 40, dtype=np.uint8)


def at_night(env: Lamp) -> Any:
    return lambda _: int(env.dark)


def never(env: Lamp) -> Any:
    return lambda _: 0


def lamp(fault: str = "") -> System:
    return System(
        name="lamp", about="a lamp post", make=lambda _: Lamp(fault), rules={"at-night": at_night, "never": never},
        trusted="never", cost="cost", unit="units", extra="", episodes=40,
    )  # fmt: skip


class Valves:
    """Three valves in a row, each to be as its own sensor says; the last may not move while its mask forbids it."""

    possible_agents: ClassVar = ["left", "middle", "right"]

    def __init__(self) -> None:
        self.agents = list(self.possible_agents)

    def observation_space(self, agent: str) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (2,), np.float32)

    def action_space(self, agent: str) -> spaces.Discrete:
        return spaces.Discrete(3)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.rng, self.time = np.random.default_rng(seed), 0
        self.agents = list(self.possible_agents)
        return self._seen(), self._infos({})

    def step(self, actions: dict[str, int]) -> tuple[Any, ...]:
        assert actions.get("right", 0) != 2, "the mask forbids it"
        wrong = {agent: float(actions[agent] != self.wanted[agent]) for agent in actions}
        self.time += 1
        over = self.time == 10
        seen = self._seen()
        rewards = {agent: -wrong[agent] for agent in self.agents}
        return seen, rewards, dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, over), self._infos(wrong)

    def close(self) -> None:
        pass

    def _seen(self) -> dict[str, np.ndarray]:
        self.wanted = {agent: int(self.rng.integers(2)) for agent in self.agents}
        return {agent: np.array([want, self.time / 10], dtype=np.float32) for agent, want in self.wanted.items()}

    def _infos(self, wrong: dict[str, float]) -> dict[str, Any]:
        mask = np.array([True, True, False])
        return {agent: {"costs": {"cost": wrong.get(agent, 0.0)}, "action_mask": mask} for agent in self.agents}


def as_told(env: Valves) -> Any:
    return lambda _: dict(env.wanted)


def valves() -> System:
    return System(
        name="valves",
        about="three valves",
        make=lambda _: Valves(),
        rules={"as-told": as_told},
        trusted=None,
        cost="cost",
        unit="errors",
        extra="",
    )
