"""The traffic of an episode: first to the town and then out of it; how much, when and what comes on top differ by day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trimtab.systems.lanes.road import DIRECTIONS, route

HORIZON = 9000
"""Seconds of an episode: two and a half hours."""
_MINUTE = 60.0
_EBB = (1100.0, 1500.0)
"""Vehicles an hour that drive each way at any time, drawn between these."""
_FLOOD = (3400.0, 4600.0)
"""Vehicles an hour that come on top at the height of a tide."""
_HEIGHTS = {"east": (35.0, 12.0), "west": (110.0, 12.0)}
"""Minute of the height of each direction's tide: mean and standard deviation over days."""
_WIDTHS = (14.0, 22.0)
"""Minutes: standard deviation of a tide in time."""
_EVENT = 0.4
"""Chance of a day on which an event empties: 1500 to 2500 vehicles an hour more for 20 minutes, in either direction."""
_EVENT_FLOW, _EVENT_LENGTH = (1500.0, 2500.0), 20.0


@dataclass(frozen=True, slots=True)
class Tide:
    """``departures``: seconds, in order, by direction."""

    departures: dict[str, np.ndarray]

    @property
    def vehicles(self) -> int:
        """Of both directions."""
        return sum(map(len, self.departures.values()))


def draw(rng: np.random.Generator) -> Tide:
    """Return a day."""
    flows = {direction: _flow(direction, rng) for direction in DIRECTIONS}
    if rng.random() < _EVENT:
        start, more = rng.uniform(5, 120), rng.uniform(*_EVENT_FLOW)
        minutes = np.arange(HORIZON / _MINUTE)
        flows[str(rng.choice(DIRECTIONS))] += np.where((minutes >= start) & (minutes < start + _EVENT_LENGTH), more, 0.0)
    return Tide({direction: _departures(flow, rng) for direction, flow in flows.items()})


def _flow(direction: str, rng: np.random.Generator) -> np.ndarray:
    """Return vehicles an hour in each minute."""
    height, width = rng.normal(*_HEIGHTS[direction]), rng.uniform(*_WIDTHS)
    minutes = np.arange(HORIZON / _MINUTE)
    return rng.uniform(*_EBB) + rng.uniform(*_FLOOD) * np.exp(-((minutes - height) ** 2) / (2 * width**2))


def _departures(flow: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    counts = rng.poisson(flow / 60)
    return np.sort(np.concatenate([_MINUTE * (minute + rng.random(count)) for minute, count in enumerate(counts)]))


def write(tide: Tide, path: Path) -> None:
    """Write ``tide`` as SUMO's routes. A vehicle is named after its direction and its place in it."""
    cars = [
        (time, f"{direction}{place}", direction)
        for direction, times in tide.departures.items()
        for place, time in enumerate(times)
    ]
    lines = ["<routes>", '<vType id="car" vClass="passenger" speedDev="0.1"/>']
    lines += [f'<route id="{direction}" edges="{route(direction)}"/>' for direction in tide.departures]
    lines += [
        f'<vehicle id="{name}" type="car" route="{direction}" depart="{time:.2f}" departLane="best" departSpeed="max"/>'
        for time, name, direction in sorted(cars)
    ]
    path.write_text("\n".join([*lines, "</routes>\n"]), encoding="utf-8")
