"""A racetrack: the steering wheel, five times a second, at constant speed; another car is in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive
from trimtab.systems.driving.environment import EXTRA
from trimtab.systems.driving.track import ahead, beside, in_frame, nearest
from trimtab.systems.system import Act, Rule, Split, System, checked_render_mode, simulator

SECONDS = 30
RATE = 5
"""Decisions a second."""
LOOKED_AT = (3.0, 6.0, 10.0, 15.0, 22.0)
"""Metres along the lane."""
FEATURES = 4 + 2 * len(LOOKED_AT) + 5
PURSUED = 4.0
"""Metres ahead of the point that is steered for."""
CLOSE = 14.0
"""Metres to a car ahead, from which on its lane is left."""
_CRASH = 5.0
"""What leaving the road, or a crash, takes off the reward beside the returns that are lost."""


class Racetrack(gymnasium.Env[np.ndarray, np.ndarray]):
    """An action is one number in [-1, 1]: the angle of the wheels over 45 degrees, to the right where it is positive."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, split: Split, *, render_mode: str | None = None) -> None:
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.traffic: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        if self.traffic is None:
            self.traffic = _traffic()
        self.traffic.reset(seed=derive(drawn, self.split, "traffic"))
        self.steps, self.returned, self.last = 0, 0.0, 0.0
        self.way = [self.car.position.copy()]
        return self._look(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        wheel = np.asarray(action, dtype=np.float32).reshape(-1)
        if wheel not in self.action_space:
            raise ControlError(f"action: expected one number in [-1, 1], got {action!r}")
        _, gained, terminated, truncated, _ = self.traffic.step(wheel)
        self.steps, self.last = self.steps + 1, float(wheel[0])
        self.returned += float(gained) / RATE
        self.way.append(self.car.position.copy())
        left = SECONDS - self.steps / RATE if terminated else 0.0
        costs = {"lost return": (1 - float(gained)) / RATE + left, "crashes": float(terminated)}
        reward = (float(gained) - 1) / RATE - _CRASH * terminated
        return self._look(), reward, bool(terminated), bool(truncated), {"costs": costs}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.driving.racetrack_picture import picture

        return picture(self)

    @property
    def car(self) -> Any:
        """The own car, highway-env's vehicle."""
        return self.traffic.vehicle

    def _look(self) -> np.ndarray:
        car = self.car
        along, across = car.lane.local_coordinates(car.position)
        turned = float(car.lane.local_angle(car.heading, along))
        own = [across / 5, turned, self.last, float(beside(car) is not None)]
        way = [in_frame(car, ahead(car, metres)) / metres for metres in LOOKED_AT]
        return np.clip(np.concatenate([own, *way, self._other()]), -1, 1).astype(np.float32)

    def _other(self) -> np.ndarray:
        """Return whether there is another car, where it is, and how it moves to the own one."""
        other = nearest(self.car)
        if other is None:
            return np.zeros(5)
        place = in_frame(self.car, other.position) / 30
        moves = in_frame(self.car, self.car.position + other.velocity - self.car.velocity) / 10
        return np.concatenate([[1.0], place, moves])


def pursuit(env: Any) -> Act:
    """Steer for a point ahead on the lane, or on the one beside where a car is close: pure pursuit, Coulter 1992.

    The curvature 2 y / d² through a point y metres aside and d metres away, and the angle by which the car follows it.
    """

    def act(_observation: Any) -> np.ndarray:
        car = env.car
        point = in_frame(car, ahead(car, PURSUED, aside=_blocked(car)))
        bend = 2 * point[1] / float(point @ point)
        slip = np.arcsin(np.clip(bend * car.LENGTH / 2, -0.9, 0.9))
        return np.array([np.clip(np.arctan(2 * np.tan(slip)) / (np.pi / 4), -1, 1)], dtype=np.float32)

    return act


def _blocked(car: Any) -> bool:
    """Return whether another car is close ahead on the same lane, and there is a lane beside."""
    other = nearest(car)
    if other is None or beside(car) is None or other.lane_index[2] != car.lane_index[2]:
        return False
    forward, _ = in_frame(car, other.position)
    return bool(0 < forward < CLOSE)


def keep_lane(env: Any) -> Act:
    """Pure pursuit of the own lane, whoever is on it."""

    def act(_observation: Any) -> np.ndarray:
        point = in_frame(env.car, ahead(env.car, PURSUED))
        slip = np.arcsin(np.clip(point[1] / float(point @ point) * env.car.LENGTH, -0.9, 0.9))
        return np.array([np.clip(np.arctan(2 * np.tan(slip)) / (np.pi / 4), -1, 1)], dtype=np.float32)

    return act


def straight(_env: Any) -> Act:
    """Never steer."""
    return lambda _observation: np.zeros(1, dtype=np.float32)


def _traffic() -> Any:
    simulator("highway_env", extra=EXTRA)
    unseen = {"observation": {"type": "AttributesObservation", "attributes": []}, "duration": SECONDS}
    return gymnasium.make("racetrack-v1", config=unseen, disable_env_checker=True).unwrapped


RULES: Mapping[str, Rule] = {"pursuit": pursuit, "keep lane": keep_lane, "straight": straight}

SYSTEM = System(
    name="driving/racetrack",
    about="the steering wheel on a racetrack, with another car in the way",
    make=Racetrack,
    rules=RULES,
    trusted="pursuit",
    cost="lost return",
    unit=f"of {SECONDS}",
    extra=EXTRA,
    bins=11,
    episodes=300,
)
