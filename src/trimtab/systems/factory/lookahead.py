"""What a shop would come to: it is played to its end by a dispatching rule, on planned durations. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from trimtab.systems.factory.instances import Instance
from trimtab.systems.factory.shop import IDLE, Shop

Table: TypeAlias = Sequence[Sequence[float]]
"""The priority of each operation of each job; the lowest goes first, then the job with the lowest number."""


def makespan(instance: Instance, table: Table) -> float:
    """Return the makespan of ``instance`` when every machine always takes the waiting job that ``table`` puts first."""
    queues = [list[tuple[float, int]]() for _ in range(instance.stations)]
    for job, route in enumerate(instance.machines):
        queues[route[0]].append((table[job][0], job))
    return _play(instance, table, 0, [0] * instance.jobs, queues, [False] * instance.stations, [])


def expected_makespan(shop: Shop, table: Table, machine: int | None = None, job: int = IDLE) -> float:
    """Return the makespan that is expected when ``machine`` takes ``job`` now and all goes by ``table`` and as planned then.

    Without a machine: when all goes by the table from now on.
    """
    position = shop.position
    queues = [[(table[each][position[each]], each) for each in jobs if each != job] for jobs in shop.waiting]
    busy = [running != IDLE or broken is not None for running, broken in zip(shop.running, shop.broken, strict=True)]
    events = [
        (shop.time + shop.remaining(station), shop.running[station] if shop.running[station] != IDLE else -1 - station)
        for station, taken in enumerate(busy)
        if taken
    ]
    if machine is not None:
        busy[machine] = True
        events.append((shop.time + shop.instance.durations[job][position[job]], job))
    return _play(shop.instance, table, shop.time, position.copy(), queues, busy, events)


def _play(
    instance: Instance,
    table: Table,
    time: float,
    position: list[int],
    queues: list[list[tuple[float, int]]],
    busy: list[bool],
    events: list[tuple[float, int]],
) -> float:
    """Play to the end; the arguments are used up. An event (time, job) is a finished operation; job -1-m: m is repaired.

    Most of the time of an episode is spent here, hence one loop without calls.
    """
    durations, machines = instance.durations, instance.machines
    for queue in queues:
        heapify(queue)
    heapify(events)
    touched: Sequence[int] = range(len(queues))
    while True:
        for machine in touched:
            if queues[machine] and not busy[machine]:
                job = heappop(queues[machine])[1]
                busy[machine] = True
                heappush(events, (time + durations[job][position[job]], job))
        if not events:
            return time
        time = events[0][0]
        touched = []
        while events and events[0][0] == time:
            job = heappop(events)[1]
            if job < 0:
                busy[-1 - job] = False
                touched.append(-1 - job)
                continue
            step = position[job]
            route = machines[job]
            busy[route[step]] = False
            touched.append(route[step])
            step += 1
            position[job] = step
            if step < len(route):
                heappush(queues[route[step]], (table[job][step], job))
                touched.append(route[step])
