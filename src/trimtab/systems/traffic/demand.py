"""The demand of an episode: another day like the published one. This file draws it, and writes it for SUMO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from trimtab.systems.traffic.places import Demand, Journey

SPREAD = 0.2
"""Standard deviation of the logarithm of how much busier a day is between two edges."""
JITTER = 60.0
"""Standard deviation of the departure of a journey from its published time, in seconds."""


def another_day(demand: Demand, horizon: float, rng: np.random.Generator) -> Demand:
    """Return a day on which each journey of ``demand`` is made Poisson(w) times, about its time, in [0, ``horizon``).

    w is the same for all journeys between the same two edges: lognormal with mean 1.
    """
    ends = sorted({(one.edges[0], one.edges[-1]) for one in demand.journeys})
    weights = dict(zip(ends, rng.lognormal(-0.5 * SPREAD**2, SPREAD, len(ends)).tolist(), strict=True))
    times = rng.poisson([weights[one.edges[0], one.edges[-1]] for one in demand.journeys])
    made = [one for one, count in zip(demand.journeys, times.tolist(), strict=True) for _ in range(count)]
    shifts = rng.normal(0.0, JITTER, len(made)).tolist()
    moved = [
        Journey(_reflected(one.depart + shift, horizon), one.edges, one.attributes)
        for one, shift in zip(made, shifts, strict=True)
    ]
    return Demand(tuple(sorted(moved, key=lambda one: one.depart)), demand.types)


def _reflected(time: float, horizon: float) -> float:
    """Return ``time`` mirrored at both ends of [0, ``horizon``)."""
    return float(np.clip(horizon - 1 - abs(horizon - 1 - abs(time)), 0, horizon - 1))


def write(demand: Demand, begin: float, path: Path) -> None:
    """Write ``demand`` as SUMO's routes; the name of a vehicle is its place in the order of departure."""
    lines = ["<routes>", *demand.types]
    lines += [_vehicle(number, one, begin) for number, one in enumerate(demand.journeys)]
    path.write_text("\n".join([*lines, "</routes>\n"]), encoding="utf-8")


def _vehicle(number: int, journey: Journey, begin: float) -> str:
    rest = "".join(f" {name}={quoteattr(value)}" for name, value in journey.attributes)
    edges: Sequence[str] = journey.edges
    route = f"<route edges={quoteattr(' '.join(edges))}/>"
    return f'<vehicle id="{number}" depart="{begin + journey.depart:.2f}"{rest}>{route}</vehicle>'
