"""How to drive into a bay of highway-env's car park: the shortest way, and straight for it.

Poses (x, y, heading) are those of the rear axle, half a length behind the middle: alone of the car it moves as it heads.
How fast and how wide the turns are was chosen on episodes of the training split.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from trimtab.systems.driving.dubins import Way, ways
from trimtab.systems.driving.track import in_frame
from trimtab.systems.system import Act

HALF_LENGTH, HALF_WIDTH = 35.0, 21.0
"""Metres from the middle of the park to its walls."""
RADIUS = 5.15
"""Metres, of a turn of the rear axle, which moves as the car heads; with the wheels at 45 degrees it is the car's length, 5."""
PACE = 12.0
"""Metres a second that are aimed at forwards,"""
BACK = 4.0
"""and backwards."""
_ROOM = 3.0
"""Metres from the middle of the car to a wall: half its length and half a metre."""
_FIRST = (3.0, 6.0, 9.0, 12.0)
"""Metres that may be gone backwards first."""
_TURN_ROUND = 2.0
"""Seconds that stopping and setting off again take."""
_STEP = 0.25
"""Metres from pose to pose of a way."""
_STEPS_ON = 8
"""Poses behind the middle of the bay that a way goes on for."""
_NEAR = 40
"""Poses ahead among which the car is looked for."""
_WHEELS = np.linspace(-1, 1, 9)
_ARM = 2.0
"""Metres that a radian off the way counts as."""
_TICK, _TICKS = 0.2, 3
"""Seconds of a step, and parts in which highway-env moves the car."""
_HALF = 2.5
"""Metres, of half the car."""
_PUSH = 5.0
"""Metres a second squared, at full throttle."""


@dataclass(frozen=True, slots=True)
class Plan:
    """First ``back`` metres backwards with the wheels turned by ``wheel`` (-1 to 1), then the ``way``."""

    back: float
    wheel: float
    way: Way

    @property
    def seconds(self) -> float:
        return self.way.length / PACE + (self.back / BACK + _TURN_ROUND if self.back else 0.0)


def dubins(env: Any) -> Act:
    """Drive the quickest plan that keeps off the walls; a new one where the car has come to the end of the last."""
    plan: Plan | None = None
    left, way = 0.0, np.zeros((0, 3))

    def act(_observation: Any) -> np.ndarray:
        nonlocal plan, left, way
        pose, bay, speed = _moved(env.pose, -_HALF), _moved(env.bay, -_HALF), float(env.car.speed)
        if plan is None:
            plan = best(pose, bay)
            left = plan.back
        left = max(0.0, left + min(speed, 0.0) * _TICK)
        if left > 0 or speed < 0:
            stopping = left <= BACK**2 / (2 * _PUSH)
            return np.array([_throttle(0.0 if stopping else -BACK, speed), plan.wheel], dtype=np.float32)
        if not len(way):
            way = _forward(pose, bay)
        throttle = _throttle(PACE, speed)
        way = way[int(_off(way[:_NEAR], pose[None]).argmin()) :]
        wheel = _tracking(way[:_NEAR], pose, speed, throttle)
        if len(way) <= _STEPS_ON:
            plan, way = None, way[:0]
        return np.array([throttle, wheel], dtype=np.float32)

    return act


def pursuit(env: Any) -> Act:
    """Steer for the bay, however the car then stands in it: pure pursuit, Coulter 1992."""

    def act(_observation: Any) -> np.ndarray:
        place = in_frame(env.car, env.bay[:2])
        bend = 2 * place[1] / max(1e-6, float(place @ place))
        return np.array([_throttle(PACE / 2, float(env.car.speed)), _angle(bend)], dtype=np.float32)

    return act


def best(pose: np.ndarray, bay: np.ndarray) -> Plan:
    """Return the quickest plan that is clear of the walls; where none is, the quickest."""
    plans = sorted(_plans(pose, bay), key=lambda plan: plan.seconds)
    return next((plan for plan in plans if _clear(plan, pose)), plans[0])


def _forward(pose: np.ndarray, bay: np.ndarray) -> np.ndarray:
    """Return the poses on the shortest way forwards that is clear of the walls, and straight on through the bay."""
    found = sorted(ways(pose, bay, RADIUS), key=lambda way: way.length)
    poses = [way.poses(pose, RADIUS, _STEP) for way in found]
    on = np.arange(1, _STEPS_ON + 1)[:, None] * _STEP * np.array([[math.cos(bay[2]), math.sin(bay[2]), 0.0]]) + bay
    return np.concatenate([next((each for each in poses if _inside(each)), poses[0]), on])


def _tracking(way: np.ndarray, pose: np.ndarray, speed: float, throttle: float) -> float:
    """Return how to turn the wheels now to be on the ``way`` after this step and, turned once more, after the next."""
    now, then = (each.reshape(-1) for each in np.meshgrid(_WHEELS, _WHEELS, indexing="ij"))
    first, speed = drive(np.tile(pose, (len(now), 1)), speed, throttle, now)
    second, _ = drive(first, speed, _throttle(PACE, speed), then)
    return float(now[(_off(way, first).min(axis=0) + _off(way, second).min(axis=0)).argmin()])


def drive(poses: np.ndarray, speed: float, throttle: float, wheels: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the poses, shape (n, 3), and the speed after a step, as highway-env's kinematic bicycle moves."""
    x, y, heading = _moved(poses, _HALF).T
    slip = np.arctan(np.tan(wheels * math.pi / 4) / 2)
    for _ in range(_TICKS):
        x = x + speed * np.cos(heading + slip) * _TICK / _TICKS
        y = y + speed * np.sin(heading + slip) * _TICK / _TICKS
        heading = heading + speed * np.sin(slip) / _HALF * _TICK / _TICKS
        speed += throttle * _PUSH * _TICK / _TICKS
    return _moved(np.stack([x, y, heading], axis=1), -_HALF), speed


def _moved(poses: np.ndarray, metres: float) -> np.ndarray:
    """Return ``poses`` (..., 3) so many metres further ahead as each heads."""
    heading = poses[..., 2]
    return poses + metres * np.stack([np.cos(heading), np.sin(heading), np.zeros_like(heading)], axis=-1)


def _off(way: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Return the squared distance of ``poses`` (n, 3) from those of the ``way`` (m, 3), shape (m, n)."""
    away = way[:, None, :2] - poses[None, :, :2]
    turned = way[:, None, 2] - poses[None, :, 2]
    return (away**2).sum(axis=2) + 2 * _ARM**2 * (1 - np.cos(turned))


def _plans(pose: np.ndarray, bay: np.ndarray) -> Iterator[Plan]:
    yield from (Plan(0.0, 0.0, way) for way in ways(pose, bay, RADIUS))
    for back, wheel in product(_FIRST, (-1.0, 0.0, 1.0)):
        there = _backwards(pose, back, wheel)[-1]
        yield from (Plan(back, wheel, way) for way in ways(there, bay, RADIUS))


def _backwards(pose: np.ndarray, metres: float, wheel: float) -> np.ndarray:
    """Return the poses on the way ``metres`` backwards with the wheels turned."""
    reversed_way = Way((round(-wheel), 0, 0), (metres, 0.0, 0.0)).poses(pose + np.array([0, 0, math.pi]), RADIUS, _STEP)
    return reversed_way - np.array([0, 0, math.pi])


def _clear(plan: Plan, pose: np.ndarray) -> bool:
    back = _backwards(pose, plan.back, plan.wheel) if plan.back else pose[None]
    return _inside(back) and _inside(plan.way.poses(back[-1], RADIUS, _STEP))


def _inside(poses: np.ndarray) -> bool:
    return bool((np.abs(_moved(poses, _HALF)[:, :2]) < np.array([HALF_LENGTH, HALF_WIDTH]) - _ROOM).all())


def _throttle(wanted: float, speed: float) -> float:
    return float(np.clip((wanted - speed) / (_PUSH * _TICK), -1, 1))


def _angle(bend: float) -> float:
    """Return the wheels' angle, over 45 degrees, at which the rear axle goes round a curve of curvature ``bend``."""
    return float(np.clip(math.atan(2 * _HALF * bend) / (math.pi / 4), -1, 1))
