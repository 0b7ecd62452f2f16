"""Driving in the traffic of highway-env: which lane to take and which speed to aim at, a decision every second.

Dynamics, rewards and durations are highway-env's own; what is seen, and the shield that agents drive under, are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive
from trimtab.systems.driving.foresight import MOVES
from trimtab.systems.driving.rules import RULES
from trimtab.systems.driving.scene import look
from trimtab.systems.driving.shield import rooms, safe
from trimtab.systems.driving.swift import hasten
from trimtab.systems.driving.view import FEATURES, view
from trimtab.systems.system import Split, System, checked_render_mode, simulator

EXTRA = "driving"
NAMES = ("to the left", "as it is", "to the right", "faster", "slower")
"""Of the moves."""
_CRASH = 10.0
"""What a crash takes off the reward, beside the returns that are lost."""


@dataclass(frozen=True, slots=True)
class Course:
    """One of highway-env's. ``most``: the return of an episode that loses nothing, 1 a second. ``fastest``: metres a second.

    ``straight``: whether all lanes run side by side.
    """

    name: str
    most: int
    fastest: float
    straight: bool = True


class Driving(gymnasium.Env[np.ndarray, int | np.integer[Any] | None]):
    """An action is a move, see ``NAMES``; None leaves it to the driver to whom the car was handed over."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, course: Course, split: Split, *, shield: bool = True, render_mode: str | None = None) -> None:
        self.course = course
        self.split: Split = split
        self.shield = shield
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(MOVES)
        self.traffic: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        if self.traffic is None:
            self.traffic = _traffic(self.course)
        self.traffic.reset(seed=derive(drawn, self.split, "traffic"))
        hasten(self.traffic.road)
        self.elapsed = 0
        self.handed_over = False
        self.returned = 0.0
        return self._look(), {"action_mask": self.mask()}

    def step(self, action: int | np.integer[Any] | None) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._check(action)
        _, gained, terminated, truncated, _ = self.traffic.step(None if action is None else int(action))
        self.elapsed += 1
        self.returned += float(gained)
        crashed = bool(self.car.crashed)
        costs = self._costs(float(gained), crashed)
        reward = float(gained) - 1.0 - _CRASH * crashed
        return self._look(), reward, bool(terminated), bool(truncated), {"costs": costs, "action_mask": self.mask()}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.driving.picture import picture

        return picture(self)

    @property
    def car(self) -> Any:
        """The own car, highway-env's vehicle."""
        return self.traffic.vehicle

    def possible(self) -> np.ndarray:
        """Return which moves the road and the car allow, shape (MOVES,)."""
        there = np.zeros(MOVES, dtype=bool)
        there[[1] if self.handed_over else self.traffic.get_available_actions()] = True
        return there

    def mask(self) -> np.ndarray:
        """Return which moves an agent may make: those that are possible, and under the shield leave room to brake."""
        possible = self.possible()
        return safe(self.scene, possible, self.room) if self.shield and not self.handed_over else possible

    def worth(self, speeds: np.ndarray, lanes: np.ndarray) -> np.ndarray:
        """Return what highway-env pays for a second at these speeds, on lanes counted from the one that is followed."""
        config = self.traffic.config
        slowest, fastest = config["reward_speed_range"]
        pace = np.clip((speeds - slowest) / (fastest - slowest), 0, 1)
        left, right = self.scene.lanes
        return config["high_speed_reward"] * pace + config["right_lane_reward"] * (left + lanes) / max(1, left + right)

    def hand_over(self) -> None:
        """Let highway-env's own driver, IDM and MOBIL, take the wheel until the episode ends."""
        from highway_env.vehicle.behavior import IDMVehicle

        driver = IDMVehicle.create_from(self.car)
        driver.target_speed = self.course.fastest
        self.traffic.road.vehicles[self.traffic.road.vehicles.index(self.car)] = driver
        self.traffic.vehicle = driver
        self.handed_over = True

    def _check(self, action: int | np.integer[Any] | None) -> None:
        if action is None and self.handed_over:
            return
        possible = self.possible()
        if action is None or action not in self.action_space or not possible[int(action)]:
            allowed = ", ".join(f"{move} ({NAMES[move]})" for move in np.flatnonzero(possible))
            raise ControlError(f"action: expected one of {allowed}, got {action!r}")

    def _costs(self, gained: float, crashed: bool) -> dict[str, float]:
        """Return the costs of a second; a crash also costs all that is left of the episode."""
        left = max(0, self.course.most - self.elapsed) if crashed else 0
        slow = max(0.0, self.course.fastest - float(self.car.speed) * float(np.cos(self.car.heading)))
        return {
            "lost return": 1.0 - gained + left,
            "crashes": float(crashed),
            "speed shortfall": (slow + self.course.fastest * left) / self.course.most,
        }

    def _look(self) -> np.ndarray:
        self.scene = look(self.car, self.traffic.action_type.target_speeds)
        self.room = rooms(self.scene)
        return view(self.scene, self.room, self.elapsed / self.course.most)


def _traffic(course: Course) -> Any:
    """Return highway-env's environment, which looks at nothing by itself: that takes a third of its time."""
    simulator("highway_env", extra=EXTRA)
    unseen = {"observation": {"type": "AttributesObservation", "attributes": []}}
    return gymnasium.make(course.name, config=unseen, disable_env_checker=True).unwrapped


HIGHWAY = Course("highway-fast-v0", most=30, fastest=30.0)
MERGE = Course("merge-v1", most=18, fastest=30.0)


def _system(name: str, about: str, course: Course, episodes: int) -> System:
    return System(
        name=f"driving/{name}",
        about=about,
        make=lambda split: Driving(course, split),
        rules=RULES,
        trusted="lookahead",
        cost="lost return",
        unit=f"of {course.most}",
        extra=EXTRA,
        episodes=episodes,
    )


STRAIGHT: tuple[System, ...] = (
    _system("highway-fast", "lane and speed on a busy motorway", HIGHWAY, 700),
    _system("merge", "lane and speed on a motorway where others merge from a ramp", MERGE, 700),
)
