"""Parking: throttle and steering wheel, five times a second, from the middle of a car park into the bay that is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive
from trimtab.systems.driving import bays
from trimtab.systems.driving.environment import EXTRA
from trimtab.systems.driving.track import in_frame
from trimtab.systems.system import Rule, Split, System, checked_render_mode, simulator

SECONDS = 30
RATE = 5
"""Decisions a second."""
FEATURES = 16
_NEARER = 10.0
"""What coming near the bay is worth, in seconds for highway-env's whole distance of 1."""
_CRASH = 5.0
"""What a crash takes off the reward beside the seconds that are lost."""


class Parking(gymnasium.Env[np.ndarray, np.ndarray]):
    """An action is two numbers in [-1, 1]: the throttle over 5 m/s², and the angle of the wheels over 45 degrees.

    The car is parked where highway-env says so: near enough to the middle of the bay, heading as the bay does.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, split: Split, *, render_mode: str | None = None) -> None:
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.park: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        if self.park is None:
            self.park = _park()
        self.park.reset(seed=derive(drawn, self.split, "park"))
        self.steps, self.last = 0, 0.0
        self.parked = False
        self.way = [self.car.position.copy()]
        return self._look(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        told = np.asarray(action, dtype=np.float32).reshape(-1)
        if told not in self.action_space:
            raise ControlError(f"action: expected two numbers in [-1, 1], got {action!r}")
        before = self.away()
        _, _, terminated, truncated, info = self.park.step(told)
        self.steps, self.last = self.steps + 1, float(told[1])
        self.way.append(self.car.position.copy())
        crashed = bool(self.car.crashed)
        self.parked = bool(info["is_success"]) and not crashed
        lost = 1 / RATE + (SECONDS - self.steps / RATE if crashed else 0.0)
        late = bool(truncated) and not (self.parked or crashed)
        costs = {"seconds": lost, "crashes": float(crashed), "not parked": float(crashed or late)}
        reward = -lost - _CRASH * crashed + _NEARER * (before - self.away())
        return self._look(), reward, bool(terminated), late, {"costs": costs}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.driving.parking_picture import picture

        return picture(self)

    @property
    def car(self) -> Any:
        """The own car, highway-env's vehicle."""
        return self.park.vehicle

    @property
    def bay(self) -> np.ndarray:
        """The pose (x, y, heading) to be parked in; metres, radians."""
        return np.array([*self.car.goal.position, self.car.goal.heading])

    @property
    def pose(self) -> np.ndarray:
        """The pose (x, y, heading) of the own car."""
        return np.array([*self.car.position, self.car.heading])

    def away(self) -> float:
        """Return highway-env's distance to the bay, 0 to about 1: of place (over 100 m) and heading, weighted."""
        weights = self.park.config["reward_weights"]
        off = np.abs(self.pose - self.bay)[:2] / 100
        cos, sin = (abs(wave(self.pose[2]) - wave(self.bay[2])) for wave in (math.cos, math.sin))
        return float(weights[0] * off[0] + weights[1] * off[1] + weights[4] * cos + weights[5] * sin)

    def _look(self) -> np.ndarray:
        """Return the bay as the car sees it, near and far; the walls, by where it is and how it heads; speed, wheels, time."""
        car, (x, y, heading) = self.car, self.pose
        place = in_frame(car, self.bay[:2])
        turned = self.bay[2] - heading
        seen = [
            *(place / 40),
            *np.tanh(place / 6),
            math.hypot(*place) / 40,
            math.cos(turned),
            math.sin(turned),
            x / bays.HALF_LENGTH,
            y / bays.HALF_WIDTH,
            math.cos(heading),
            math.sin(heading),
            car.speed / 10,
            abs(car.speed) / 10,
            self.last,
            math.atan2(place[1], place[0]) / math.pi,
            self.steps / (RATE * SECONDS),
        ]
        return np.clip(np.array(seen), -1, 1).astype(np.float32)


def _park() -> Any:
    simulator("highway_env", extra=EXTRA)
    return gymnasium.make("parking-v0", config={"duration": SECONDS}, disable_env_checker=True).unwrapped


RULES: Mapping[str, Rule] = {"dubins": bays.dubins, "pursuit": bays.pursuit}

SYSTEM = System(
    name="driving/parking",
    about="throttle and steering wheel, into the bay that is free",
    make=Parking,
    rules=RULES,
    trusted="dubins",
    cost="seconds",
    unit="s to be parked",
    extra=EXTRA,
    bins=9,
    episodes=300,
)
