"""Where a lane leads, and who is near: geometry on highway-env's roads, for a car that steers by itself."""

from __future__ import annotations

from typing import Any

import numpy as np


def in_frame(car: Any, point: np.ndarray) -> np.ndarray:
    """Return ``point`` as ``car`` sees it: metres ahead and to its right, shape (2,)."""
    forward = np.array([np.cos(car.heading), np.sin(car.heading)])
    away = point - car.position
    return np.array([away @ forward, away @ np.array([-forward[1], forward[0]])])


def ahead(car: Any, metres: float, *, aside: bool = False) -> np.ndarray:
    """Return the point on the middle of the lane of ``car``, or of the one beside, so many metres further along."""
    network, index = car.road.network, (beside(car) or car.lane_index) if aside else car.lane_index
    lane = network.get_lane(index)
    place = lane.local_coordinates(car.position)[0] + metres
    while place > lane.length:
        place -= lane.length
        end = lane.position(lane.length, 0)
        index = network.next_lane(index, position=end)
        lane = network.get_lane(index)
    return lane.position(place, 0)


def beside(car: Any) -> Any:
    """Return the index of a lane beside that of ``car``, None if there is none."""
    return next(iter(car.road.network.side_lanes(car.lane_index)), None)


def nearest(car: Any) -> Any:
    """Return the car that is nearest to ``car``, None if it is alone."""
    others = [other for other in car.road.vehicles if other is not car]
    return min(others, key=lambda other: float(np.hypot(*(other.position - car.position))), default=None)
