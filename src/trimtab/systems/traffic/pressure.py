"""How much each phase is wanted: vehicles on the lanes it serves, less those that stand where they want to go.

Varaiya 2013, "Max pressure control of a network of signalized intersections" (Transportation Research C 36), eq. 10, with
lanes in the place of movements: a detector knows who waits on a lane, and who waits there blocks those behind. Where more
wait ahead than want to go there, a lane counts as empty (Wongpiromsarn et al. 2012), so that full roads stop nobody for ever.
"""

from __future__ import annotations

import numpy as np

from trimtab.systems.traffic.junction import Junction


def queues(junction: Junction, vehicles: np.ndarray) -> np.ndarray:
    """Return the sum of ``vehicles``, which are by link, on the lanes of each phase: shape (phases,)."""
    return junction.serves_lanes @ _by_lane(junction, vehicles)


def pressures(junction: Junction, vehicles: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return the same with the vehicles ``ahead``, behind the junction, taken off: shape (phases,)."""
    before = _by_lane(junction, vehicles)
    behind = _by_lane(junction, vehicles * ahead) / np.maximum(before, 1)
    return junction.serves_lanes @ np.maximum(before - behind, 0)


def _by_lane(junction: Junction, vehicles: np.ndarray) -> np.ndarray:
    return np.bincount(junction.lane_of, weights=vehicles, minlength=len(junction.lanes))
