"""What there is on the roads: each vehicle, the movement it is about to make, and what it has lost so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from trimtab.systems.sumo import Sumo
from trimtab.systems.traffic.junction import Junction
from trimtab.systems.traffic.places import Demand

HALTING = 0.1
"""Metres a second below which SUMO says that a vehicle stands."""
REACH = 200.0
"""Metres before the stop line within which vehicles are counted, as in RESCO."""
SOON = 5.0
"""Seconds within which a vehicle reaches the stop line."""


@dataclass(slots=True)
class Counts:
    """Vehicles before a junction, by link: shape (links,) each.

    ``queued``: they stand. ``moving``: within ``REACH``. ``soon``: those of them that are at the stop line within ``SOON``.
    ``wait``: seconds that the one stands who has stood longest. ``outside``: they find no room to enter the network.
    ``ahead``: vehicles that stand on the lane behind the junction.
    """

    queued: np.ndarray
    moving: np.ndarray
    soon: np.ndarray
    wait: np.ndarray
    outside: np.ndarray
    ahead: np.ndarray

    @classmethod
    def none(cls, links: int) -> Counts:
        """Return counts of empty roads."""
        return cls(*(np.zeros(links) for _ in range(6)))


@dataclass(slots=True)
class Survey:
    """What is kept of the vehicles of an episode, looked at every few seconds.

    ``lost``: by junction, seconds lost since the last look by vehicles that go towards it, or that it was the last for.
    """

    junctions: Sequence[Junction]
    demand: Demand
    begin: float
    counts: dict[str, Counts] = field(default_factory=dict[str, Counts])
    lost: dict[str, float] = field(default_factory=dict[str, float])
    outside: int = 0
    _losses: dict[str, float] = field(default_factory=dict[str, float])
    _heading: dict[str, str] = field(default_factory=dict[str, str])
    _entries: Mapping[tuple[str, str], tuple[str, int]] = field(default_factory=dict[tuple[str, str], tuple[str, int]])
    _looked: float = 0.0

    def __post_init__(self) -> None:
        self._looked = self.begin
        self._entries = {
            pair: (junction.name, junction.movement_of.index(number))
            for junction in self.junctions
            for number, pair in enumerate(junction.movements)
        }

    def look(self, run: Sumo, now: float) -> None:
        """Look at all vehicles; ``now``: seconds of the day."""
        self.counts = {each.name: Counts.none(len(each.links)) for each in self.junctions}
        self.lost = {each.name: 0.0 for each in self.junctions}
        self._look_inside(run)
        self._look_outside(run, now)
        self._looked = now

    def delay(self, run: Sumo, now: float) -> float:
        """Return all seconds lost since the beginning: on the way, and by those who waited to enter."""
        information, vehicle = run.api.simulation.getParameter, run.api.vehicle
        arrived = int(float(information("", "device.tripinfo.count")))
        losses = ("timeLoss", "departDelay") if arrived else ()
        means = [float(information("", f"device.tripinfo.{name}")) for name in losses]
        running = sum(vehicle.getTimeLoss(name) + vehicle.getDepartDelay(name) for name in vehicle.getIDList())
        waiting = sum(now - self.begin - self._departure(name) for name in run.api.simulation.getPendingVehicles())
        return arrived * sum(means) + running + waiting

    def _look_inside(self, run: Sumo) -> None:
        vehicle = run.api.vehicle
        losses, heading, standing = dict[str, float](), dict[str, str](), Counter[str]()
        for name in vehicle.getIDList():
            speed, losses[name], coming = vehicle.getSpeed(name), vehicle.getTimeLoss(name), vehicle.getNextTLS(name)
            if speed < HALTING:
                standing[vehicle.getLaneID(name)] += 1
            junction = coming[0][0] if coming else self._heading.get(name)
            if coming and coming[0][0] in self.counts:
                wait = vehicle.getWaitingTime(name) if speed < HALTING else 0.0
                _count(self.counts[coming[0][0]], coming[0][1], coming[0][2], speed, wait)
            if junction in self.lost:
                heading[name] = junction
                self.lost[junction] += losses[name] - self._losses.get(name, 0.0)
        self._losses, self._heading = losses, heading
        for each in self.junctions:
            self.counts[each.name].ahead[:] = [standing[after] for _, after in each.links]

    def _look_outside(self, run: Sumo, now: float) -> None:
        pending = run.api.simulation.getPendingVehicles()
        self.outside = len(pending)
        for name in pending:
            edges = self.demand.journeys[int(name)].edges
            entry = next((self._entries[pair] for pair in pairwise(edges) if pair in self._entries), None)
            if entry is not None:
                self.counts[entry[0]].outside[entry[1]] += 1
                self.lost[entry[0]] += min(now - self._looked, now - self.begin - self._departure(name))

    def _departure(self, name: str) -> float:
        return self.demand.journeys[int(name)].depart


def _count(counts: Counts, link: int, metres: float, speed: float, wait: float) -> None:
    if speed < HALTING:
        counts.queued[link] += 1
        counts.wait[link] = max(counts.wait[link], wait)
    elif metres < REACH:
        counts.moving[link] += 1
        counts.soon[link] += metres < SOON * max(speed, 2.0)
