"""Traffic lanes: which way the middle lanes of a road go, said once a minute while the tide turns, in SUMO.

The road and how a lane is turned round are in ``road``, who drives when in ``tide``, what is done in practice in ``rules``.
"""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive, generator
from trimtab.systems.lanes.road import DIRECTIONS, LENGTHS, LIMIT, MOST, PARTS, Road, network
from trimtab.systems.lanes.rules import RULES
from trimtab.systems.lanes.tide import HORIZON, draw, write
from trimtab.systems.sumo import EXTRA, Sumo
from trimtab.systems.system import Split, System, checked_render_mode

DECISION = 60
"""Seconds between two decisions."""
LOOK = 5
"""Seconds between two looks at the road."""
BEGIN = 2
"""Lanes for the east at the beginning of a day, before the tide."""
_HISTORY = 30
"""Minutes of counts that are kept."""
FEATURES = 6 + MOST + 2 * 14


class TidalRoad(gymnasium.Env[np.ndarray, int | np.integer[Any]]):
    """Two and a half hours of a day. Action i gives i + 1 of five lanes to the east and the rest to the west, one at a time."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, split: Split, *, render_mode: str | None = None) -> None:
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(MOST)
        self.run: Sumo | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        self.tide = draw(generator(drawn, self.split, "tide"))
        self.run = self._started(derive(drawn, self.split, "sumo") % 2**31)
        self.road = Road(self.run, BEGIN)
        self.now = 0.0
        self.counts = {direction: deque([0] * _HISTORY, _HISTORY) for direction in DIRECTIONS}
        self.log: list[dict[str, float]] = []
        self._look()
        return self._observe(), {}

    def step(self, action: int | np.integer[Any]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        run = self._running()
        if action not in self.action_space:
            raise ControlError(f"action: expected one of 0 to {MOST - 1}, lanes for the east less one, got {action!r}")
        self.road.wanted = int(action) + 1
        lost, began = 0.0, self.now
        while self.now < began + DECISION:
            self.now += LOOK
            run.advance(self.now)
            self.road.settle(self.now)
            self._look()
            lost += LOOK * sum(self._slow(direction) + self.outside[direction] for direction in DIRECTIONS)
        for direction in DIRECTIONS:
            times = self.tide.departures[direction]
            self.counts[direction].append(int(((times >= began) & (times < self.now)).sum()))
        over = self.now >= HORIZON
        costs = self._costs(lost / self.tide.vehicles, over=over)
        return self._observe(), -lost / self.tide.vehicles / 5, False, over, {"costs": costs}

    def arrived(self, direction: str, minutes: int) -> float:
        """Return the vehicles an hour that came in the last ``minutes``, as detectors before the road count them."""
        return 60 * float(np.mean(list(self.counts[direction])[-minutes:]))

    def queue(self, direction: str) -> float:
        """Return how many vehicles stand before the road, or find no room there."""
        return self.standing[direction] + self.outside[direction]

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.lanes.picture import picture

        return picture(self._running(), self.road, self.log, self.now)

    def close(self) -> None:
        if self.run is not None:
            self.run.close()
            self.run = None

    def _running(self) -> Sumo:
        if self.run is None:
            raise ControlError("step: expected a reset before it, got none since the last close")
        return self.run

    def _started(self, number: int) -> Sumo:
        with tempfile.TemporaryDirectory(prefix="trimtab-tide-") as folder:
            routes = Path(folder) / "tide.rou.xml"
            write(self.tide, routes)
            # all are read at once, so that the file can go; nobody vanishes who stands for long
            rest = ("--route-steps", "0", "--time-to-teleport", "-1", "--device.tripinfo.probability", "1")
            return Sumo(["-n", network(), "-r", str(routes), "--seed", str(number), *rest])

    def _look(self) -> None:
        """Count who is on the road, who stands before it, and who waits outside."""
        edge, names = self._running().api.edge, self._running().api.simulation.getPendingVehicles()
        self.outside = {direction: sum(name.startswith(direction) for name in names) for direction in DIRECTIONS}
        self.standing = {direction: edge.getLastStepHaltingNumber(f"{direction}-in") for direction in DIRECTIONS}
        parts = [(direction, part) for direction in DIRECTIONS for part in PARTS]
        self.there = {pair: edge.getLastStepVehicleNumber("-".join(pair)) for pair in parts}
        self.speed = {pair: edge.getLastStepMeanSpeed("-".join(pair)) if self.there[pair] else LIMIT for pair in parts}

    def _slow(self, direction: str) -> float:
        """Return how many vehicles' time is lost now, by their speed."""
        shares = {part: max(0.0, 1 - self.speed[direction, part] / LIMIT) for part in PARTS}
        return sum(self.there[direction, part] * share for part, share in shares.items())

    def _costs(self, delay: float, *, over: bool) -> dict[str, float]:
        """Return the costs of a minute; the last one brings those that were estimated from speeds up to what SUMO counted."""
        self.log.append({"delay": delay, "east": self.road.open["east"], "west": self.road.open["west"]})
        self.log[-1] |= {f"{direction} flow": 60.0 * self.counts[direction][-1] for direction in DIRECTIONS}
        if over:
            delay = self._exact() / self.tide.vehicles - sum(minute["delay"] for minute in self.log[:-1])
        waiting = float(sum(self.outside.values())) if over else 0.0
        return {"delay": delay, "not entered": waiting}

    def _exact(self) -> float:
        """Return all seconds lost: on the way, arrived or not, and by those who waited to enter."""
        api = self._running().api
        told, vehicle = api.simulation.getParameter, api.vehicle
        arrived = int(float(told("", "device.tripinfo.count")))
        means = [float(told("", f"device.tripinfo.{name}")) for name in ("timeLoss", "departDelay")] if arrived else []
        running = sum(vehicle.getTimeLoss(name) + vehicle.getDepartDelay(name) for name in vehicle.getIDList())
        waiting = sum(self.now - self._departure(name) for name in api.simulation.getPendingVehicles())
        return arrived * sum(means) + running + waiting

    def _departure(self, name: str) -> float:
        return float(self.tide.departures[name[:4]][int(name[4:])])

    def _observe(self) -> np.ndarray:
        road, time = self.road, self.now / HORIZON
        wanted = [float(road.wanted == east) for east in range(1, MOST + 1)]
        seen = [
            2 * time - 1,
            np.sin(2 * np.pi * time),
            np.cos(2 * np.pi * time),
            float(road.turning),
            road.open["east"] / 2 - 1.25,
            road.open["west"] / 2 - 1.25,
            *wanted,
            *self._of("east"),
            *self._of("west"),
        ]
        return np.clip(np.array(seen), -1, 1).astype(np.float32)

    def _of(self, direction: str) -> list[float]:
        flows = [self.arrived(direction, minutes) / 3000 - 1 for minutes in (1, 3, 5, 10)]
        trend = (self.arrived(direction, 5) - np.mean(list(self.counts[direction])[-15:-10]) * 60) / 2000
        load = self.arrived(direction, 5) / 1800 / self.road.open[direction] - 0.5
        room = {part: self.there[direction, part] / (LENGTHS[part] / 7.5 * MOST) for part in ("in", "road")}
        queue = self.queue(direction)
        return [
            *flows,
            float(trend),
            load,
            room["in"],
            room["road"],
            self.speed[direction, "in"] / LIMIT,
            self.speed[direction, "road"] / LIMIT,
            queue / 50,
            queue / 300,
            self.outside[direction] / 300,
            self._slow(direction) / 100,
        ]


SYSTEMS: tuple[System, ...] = (
    System(
        name="lanes/tidal",
        about="which way the three middle lanes of a road go, a day with two tides",
        make=TidalRoad,
        rules=RULES,
        trusted="counts",
        cost="delay",
        unit="s a vehicle",
        extra=EXTRA,
        episodes=100,
    ),
)
