"""Robot control: MuJoCo's robots through Gymnasium, one head for the torque of each joint.

Dynamics, rewards and lengths are Gymnasium's. What an episode falls short of the best known return is its cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive
from trimtab.systems.robots.rules import balance, reach, rest
from trimtab.systems.system import Rule, Split, System, checked_render_mode, simulator

_BOUND = 10.0
"""Observations are clipped here, as those of Hopper are by itself."""


class Robot(gymnasium.Env[np.ndarray, np.ndarray]):
    """The robot ``name`` of Gymnasium. ``best``: a return that nothing is known to pass."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, name: str, split: Split, *, best: float, render_mode: str | None = None) -> None:
        simulator("mujoco", extra="robots")
        self.name, self.split, self.best = name, split, best
        self.render_mode = checked_render_mode(render_mode)
        self._robot = gymnasium.make(name)
        shape = self._robot.observation_space.shape
        assert shape is not None
        self.observation_space = spaces.Box(-_BOUND, _BOUND, shape, np.float32)
        self.action_space = self._robot.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        self.total = 0.0
        observation, _ = self._robot.reset(seed=derive(drawn, self.split) % 2**31)
        return self._seen(observation), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if np.asarray(action, dtype=np.float32) not in self.action_space:
            raise ControlError(f"action: expected torques in {self.action_space}, got {action!r}")
        observation, reward, terminated, truncated, _ = self._robot.step(action)
        self.total += float(reward)
        costs = {"shortfall": max(0.0, self.best - self.total)} if terminated or truncated else {}
        return self._seen(observation), float(reward), terminated, truncated, {"costs": costs}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        """Return the bodies of the robot as a picture."""
        if self.render_mode is None:
            return None
        from trimtab.systems.robots.picture import picture

        return picture(self.name, self._robot)

    def close(self) -> None:
        self._robot.close()

    def _seen(self, observation: np.ndarray) -> np.ndarray:
        return np.clip(observation, -_BOUND, _BOUND).astype(np.float32)


def _system(
    name: str, robot: str, about: str, *, rules: Mapping[str, Rule], trusted: str | None, best: float, bins: int, episodes: int
) -> System:
    return System(
        name=name,
        about=about,
        make=lambda split: Robot(robot, split, best=best),
        rules={"rest": rest, **rules},
        trusted=trusted,
        cost="shortfall",
        unit=f"return below {best:g}",
        extra="robots",
        bins=bins,
        episodes=episodes,
    )


SYSTEMS: tuple[System, ...] = (
    _system(
        "robots/inverted-pendulum",
        "InvertedPendulum-v5",
        "a pole on a cart, to be kept upright",
        rules={"balance": balance},
        trusted=None,
        best=1000.0,
        bins=7,
        episodes=200,
    ),
    _system(
        "robots/reacher",
        "Reacher-v5",
        "an arm of two joints, whose finger is to reach a target",
        rules={"reach": reach},
        trusted="reach",
        best=0.0,
        bins=7,
        episodes=400,
    ),
    _system(
        "robots/hopper",
        "Hopper-v5",
        "a leg of three joints, to hop forward",
        rules={},
        trusted=None,
        best=3500.0,
        bins=5,
        episodes=400,
    ),
)
