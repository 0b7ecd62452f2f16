"""A job shop as it runs: jobs wait at machines, machines work, break down and are repaired. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from trimtab.errors import ControlError
from trimtab.systems.factory.disturbance import Fate
from trimtab.systems.factory.instances import Instance

IDLE = -1
_OVERDUE = 0.05
"""Share of its planned duration that an operation is taken to need still, when it has already lasted longer than planned."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A bar of the Gantt chart: ``job`` on ``machine`` from ``start`` to ``end``; a repair where the job is -1."""

    machine: int
    job: int
    start: float
    end: float


class Shop:
    """The state of a shop, all of it to be read; what will happen is in ``_fate``, which no rule may look at.

    ``position[j]``: operations of job j that are started or done, less the running one. ``waiting[m]``: jobs at machine m, in
    order of arrival. ``running[m]``: its job or IDLE. ``broken[m]``: when it broke down, or None.
    """

    def __init__(self, instance: Instance, fate: Fate) -> None:
        self.instance = instance
        self._fate = fate
        self.time: float = 0
        self.position = [0] * instance.jobs
        self.arrived: list[float] = [0] * instance.jobs
        self.waiting: list[list[int]] = [[] for _ in range(instance.stations)]
        self.running = [IDLE] * instance.stations
        self.started: list[float] = [0] * instance.stations
        self.broken: list[float | None] = [None] * instance.stations
        self.pieces: list[Piece] = []
        self.breakdowns = 0
        self._lost: list[float] = [0] * instance.stations
        self._events: list[tuple[float, int, int]] = []
        for job, route in enumerate(instance.machines):
            self.waiting[route[0]].append(job)
        for machine, outages in enumerate(fate.outages):
            for start, end in outages:
                heappush(self._events, (start, _BREAKDOWN, machine))
                heappush(self._events, (end, _REPAIR, machine))

    @property
    def done(self) -> bool:
        """Whether all jobs are finished."""
        return all(position == len(route) for position, route in zip(self.position, self.instance.machines, strict=True))

    @property
    def mean_repair(self) -> float:
        """Mean length of a repair, in units of time."""
        return self._fate.repair

    def free(self) -> list[int]:
        """Return the machines that could start a job now."""
        return [
            machine
            for machine, jobs in enumerate(self.waiting)
            if jobs and self.running[machine] == IDLE and self.broken[machine] is None
        ]

    def start(self, machine: int, job: int) -> None:
        """Let ``machine`` work on ``job`` from now on."""
        if machine not in self.free() or job not in self.waiting[machine]:
            raise ControlError(f"job: expected one of {self.waiting[machine]} waiting at machine {machine}, got {job}")
        self.waiting[machine].remove(job)
        self.running[machine] = job
        self.started[machine] = self.time
        self._lost[machine] = 0
        end = self.time + self._fate.durations[job][self.position[job]]
        for down, up in self._fate.outages[machine]:
            if self.time < down < end:
                end += up - down
        heappush(self._events, (end, _FINISH, machine))

    def advance(self) -> None:
        """Let time pass until something happens, and let all happen that happens then."""
        if not self._events:
            raise ControlError("advance: expected a shop in which something is still to happen, got one that is done")
        self.time = self._events[0][0]
        while self._events and self._events[0][0] == self.time:
            _, kind, machine = heappop(self._events)
            if kind == _FINISH:
                self._finish(machine)
            elif kind == _BREAKDOWN:
                self.broken[machine] = self.time
                self.breakdowns += 1
            else:
                self._repair(machine)

    def remaining(self, machine: int) -> float:
        """Return the time after which ``machine`` is expected to be free, from what is known now."""
        repair = 0.0 if self.broken[machine] is None else self.mean_repair
        job = self.running[machine]
        if job == IDLE:
            return repair
        planned = self.instance.durations[job][self.position[job]]
        since = self.broken[machine]
        lost = self._lost[machine] + (self.time - since if since is not None else 0)
        return repair + max(planned - (self.time - self.started[machine] - lost), _OVERDUE * planned)

    def _finish(self, machine: int) -> None:
        job = self.running[machine]
        self.pieces.append(Piece(machine, job, self.started[machine], self.time))
        self.running[machine] = IDLE
        self.position[job] += 1
        self.arrived[job] = self.time
        route = self.instance.machines[job]
        if self.position[job] < len(route):
            self.waiting[route[self.position[job]]].append(job)

    def _repair(self, machine: int) -> None:
        since = self.broken[machine]
        assert since is not None  # repairs follow breakdowns
        self._lost[machine] += self.time - since
        self.broken[machine] = None
        self.pieces.append(Piece(machine, IDLE, since, self.time))


_FINISH, _BREAKDOWN, _REPAIR = 0, 1, 2
"""Kinds of events, in the order in which they happen at one moment."""
