"""Fixed times from counts: Webster 1958, "Traffic signal settings" (Road Research Technical Paper 39)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from trimtab.systems.traffic.junction import Junction
from trimtab.systems.traffic.places import Journey
from trimtab.systems.traffic.signal import MINIMUM_GREEN, Step

SATURATION = 1800.0
"""Vehicles that a lane lets through in an hour of green."""
LONGEST_CYCLE = 150.0
"""Seconds."""
_FULLEST = 0.95


def green_times(junction: Junction, journeys: Sequence[Journey], hours: float, *, stretch: float = 1.0) -> tuple[Step, ...]:
    """Return the greens of Webster's plan, for ``journeys`` that are made in so many ``hours``, its cycle times ``stretch``."""
    chosen = fewest(junction, journeys, hours)
    ratios = _ratios(junction, _lane_flows(junction, journeys, hours), chosen)
    lost = junction.yellow * len(chosen)
    length = min(stretch * cycle(lost, float(ratios.sum())), LONGEST_CYCLE)
    shares = ratios / max(float(ratios.sum()), 1e-9)
    greens = np.maximum(np.round(shares * (length - lost)), MINIMUM_GREEN)
    return tuple(Step(phase, float(green)) for phase, green in zip(chosen, greens, strict=True))


def cycle(lost: float, flow_ratio: float) -> float:
    """Return the cycle in seconds of the least delay, (1.5 L + 5) / (1 - Y), for ``lost`` L seconds and ``flow_ratio`` Y.

    >>> cycle(10.0, 0.5)
    40.0
    """
    return (1.5 * lost + 5) / (1 - min(flow_ratio, _FULLEST))


def fewest(junction: Junction, journeys: Sequence[Journey], hours: float) -> tuple[int, ...]:
    """Return the phases that serve all links with the shortest cycle, in the order of the junction's own program."""
    flows, wanted = _lane_flows(junction, journeys, hours), junction.serves.any(0)
    best, shortest = tuple(range(len(junction.phases))), np.inf
    for size in range(1, len(junction.phases) + 1):
        for chosen in combinations(range(len(junction.phases)), size):
            if not (junction.serves[list(chosen)].any(0) == wanted).all():
                continue
            found = 1.5 * junction.yellow * size + 5
            found /= max(1 - float(_ratios(junction, flows, chosen).sum()), 0.01)
            if found < shortest - 1e-9:
                best, shortest = chosen, found
    return best


def _ratios(junction: Junction, flows: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """Return the highest flow over saturation of a link that each phase of ``chosen`` serves.

    A link that several of them serve has its flow spread over them.
    """
    serves = junction.serves[list(chosen)]
    return (serves / np.maximum(serves.sum(0), 1) * flows / SATURATION).max(1)


def _lane_flows(junction: Junction, journeys: Sequence[Journey], hours: float) -> np.ndarray:
    """Return for each link the vehicles an hour on its lane, shape (links,); a movement spreads over its lanes evenly."""
    counts = dict.fromkeys(junction.movements, 0.0)
    for journey in journeys:
        for pair in zip(journey.edges, journey.edges[1:], strict=False):
            if pair in counts:
                counts[pair] += 1 / hours
    spread = np.bincount(junction.movement_of)
    flows = [counts[junction.movements[movement]] / spread[movement] for movement in junction.movement_of]
    return np.bincount(junction.lane_of, weights=flows)[list(junction.lane_of)]
