"""What a driver sees: the own car and those around it, measured along the lane that the car is to follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SIGHT = 150.0
"""Metres, ahead and behind; highway-env's own observations reach 200 m."""
WIDTH = 4.0
"""Metres, of a lane."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Metres and metres a second along the lane to be followed (its middle is 0, its right is positive), and radians.

    ``along``: of the start of that lane. ``lanes``: how many there are to its left and to its right. ``speeds``: that may be
    aimed at, ``aim``: the one that is. ``others``: a row for each car in sight: how far ahead, how far across, its speed along
    the lane, and where across it is heading for (its indicator shows it).
    """

    speed: float
    across: float
    heading: float
    lanes: tuple[int, int]
    speeds: np.ndarray
    aim: int
    others: np.ndarray


def look(car: Any, speeds: np.ndarray) -> Scene:
    """Return the scene around ``car``, highway-env's vehicle, which may aim at one of ``speeds``."""
    index = car.target_lane_index
    lane = car.road.network.get_lane(index)
    here, across = lane.local_coordinates(car.position)
    rows = [_row(other, lane, here) for other in [*car.road.vehicles, *car.road.objects] if other is not car]
    others = np.array(rows).reshape(-1, 4)
    return Scene(
        speed=float(car.speed),
        across=across,
        heading=float(lane.local_angle(car.heading, here)),
        lanes=_lanes(car, index),
        speeds=speeds,
        aim=int(getattr(car, "speed_index", 0)),
        others=others[np.abs(others[:, 0]) < SIGHT],
    )


def _row(other: Any, lane: Any, here: float) -> tuple[float, float, float, float]:
    along, across = lane.local_coordinates(other.position)
    speed = other.speed * np.cos(lane.local_angle(other.heading, along))
    goal = across
    index = getattr(other, "target_lane_index", None)
    if index is not None and index != other.lane_index:
        aimed = other.road.network.get_lane(index)
        goal = lane.local_coordinates(aimed.position(aimed.local_coordinates(other.position)[0], 0.0))[1]
    return along - here, across, float(speed), goal


def _lanes(car: Any, index: Any) -> tuple[int, int]:
    """Return how many lanes to the left and to the right may be changed to."""
    start, end, number = index
    lanes = car.road.network.graph[start][end]
    return number, sum(not lane.forbidden for lane in lanes[number + 1 :])
