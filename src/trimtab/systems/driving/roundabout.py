"""A roundabout: when to enter, and how fast to go round. Lanes bend, so that cars are seen as they lie around the own one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from trimtab.systems.driving.environment import EXTRA, Course, Driving
from trimtab.systems.driving.foresight import FASTER, IDLE, SLOWER
from trimtab.systems.driving.rules import idle, idm, slower
from trimtab.systems.system import Act, Rule, Split, System

NEAREST = 6
"""Cars that are seen."""
_OWN, _CAR = 6, 7
FEATURES = _OWN + _CAR * NEAREST
_FAR, _FAST, _LONG = 50.0, 16.0, 5.0
"""Metres, metres a second and seconds that make a feature of 1."""
CLOSE = 8.0
"""Metres between the middles of two cars, below which one gives way."""
SOON = 3.0
"""Seconds within which they would come so close."""
COURSE = Course("roundabout-v1", most=11, fastest=16.0, straight=False)


class Roundabout(Driving):
    """The moves are those of ``Driving``; there is no shield, since nothing here can foresee a bend."""

    def __init__(self, split: Split, *, render_mode: str | None = None) -> None:
        super().__init__(COURSE, split, shield=False, render_mode=render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)

    def around(self) -> np.ndarray:
        """Return the cars, nearest first, as the own one sees them: shape (cars, 6).

        Metres ahead and to its right, metres a second by which they move along both, seconds until they are nearest if all
        go on as they do, at most ``_LONG``, and the metres between them then.
        """
        car = self.car
        forward = np.array([np.cos(car.heading), np.sin(car.heading)])
        frame = np.stack([forward, [-forward[1], forward[0]]])
        others = [other for other in self.traffic.road.vehicles if other is not car]
        places = np.array([frame @ (other.position - car.position) for other in others]).reshape(-1, 2)
        moves = np.array([frame @ (other.velocity - car.velocity) for other in others]).reshape(-1, 2)
        when = np.clip(-(places * moves).sum(1) / np.maximum((moves**2).sum(1), 1e-6), 0.0, _LONG)
        nearest = np.hypot(*(places + moves * when[:, None]).T)
        order = np.argsort(np.hypot(*places.T))
        return np.column_stack([places, moves, when, nearest])[order]

    def _look(self) -> np.ndarray:
        car = self.car
        lane = car.lane
        along, across = lane.local_coordinates(car.position)
        turned = float(lane.local_angle(car.heading, along))
        own = [
            car.speed / _FAST,
            getattr(car, "speed_index", 0) / 2,
            across / 4,
            turned,
            along / _FAR,
            self.elapsed / self.course.most,
        ]
        seen = np.zeros((NEAREST, _CAR))
        cars = self.around()[:NEAREST]
        scales = (_FAR, _FAR, _FAST, _FAST, _LONG, _FAR)
        seen[: len(cars)] = np.column_stack([np.ones(len(cars)), cars / scales])
        return np.clip(np.concatenate([own, seen.ravel()]), -1, 1).astype(np.float32)


def give_way(env: Any) -> Act:
    """Brake where somebody ahead would come close soon if both went on as they do, speed up where nobody would."""

    def act(_observation: Any) -> int:
        cars = env.around()
        danger = (cars[:, 0] > 0) & (cars[:, 5] < CLOSE) & (cars[:, 4] < SOON)
        move = SLOWER if danger.any() else FASTER
        return move if env.possible()[move] else IDLE

    return act


RULES: Mapping[str, Rule] = {"give way": give_way, "idm": idm, "slower": slower, "idle": idle}

SYSTEM = System(
    name="driving/roundabout",
    about="when to enter a roundabout, and how fast to go round",
    make=Roundabout,
    rules=RULES,
    trusted="slower",
    cost="lost return",
    unit=f"of {COURSE.most}",
    extra=EXTRA,
    episodes=700,
)
