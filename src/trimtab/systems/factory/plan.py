"""Plans of a job shop from where it stands, by CP-SAT of OR-Tools."""

from __future__ import annotations

from typing import Any

from trimtab.errors import ControlError
from trimtab.systems.factory.shop import Shop
from trimtab.systems.system import simulator

_STEP = 1.0
"""Unit of time of a plan: CP-SAT counts in whole numbers, and so are planned durations."""


def orders(shop: Shop, seconds: float) -> tuple[tuple[int, ...], ...]:
    """Return the order of the jobs to come on each machine that takes the least time, as far as is found in ``seconds``.

    What runs now is taken to end, and what is broken to be repaired, when that is expected. The objective is the makespan.
    """
    if not seconds > 0:
        raise ControlError(f"seconds: expected a positive number, got {seconds!r}")
    cp_model: Any = simulator("ortools.sat.python.cp_model", extra="factory")
    model = cp_model.CpModel()
    starts = _add_operations(model, shop)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise ControlError(f"seconds: expected time enough to find some plan, got {seconds!r}")
    return tuple(
        tuple(job for _, job in sorted((solver.value(start), job) for job, start in on_machine)) for on_machine in starts
    )


def _add_operations(model: Any, shop: Shop) -> list[list[tuple[int, Any]]]:
    """Add all operations that are not started; return the jobs to come on each machine with when they start."""
    instance = shop.instance
    ready = [round(shop.remaining(machine) / _STEP) for machine in range(instance.stations)]
    horizon = sum(map(sum, instance.durations)) + sum(ready)
    starts: list[list[tuple[int, Any]]] = [[] for _ in range(instance.stations)]
    intervals: list[list[Any]] = [[] for _ in range(instance.stations)]
    span = model.new_int_var(max(ready), horizon, "span")
    for job, route in enumerate(instance.machines):
        step, end = shop.position[job], 0
        if job in shop.running:
            end = ready[shop.running.index(job)]
            step += 1
        for machine, duration in zip(route[step:], instance.durations[job][step:], strict=True):
            start = model.new_int_var(ready[machine], horizon, "")
            model.add(start >= end)
            intervals[machine].append(model.new_fixed_size_interval_var(start, duration, ""))
            starts[machine].append((job, start))
            end = start + duration
        model.add(span >= end)
    for on_machine in intervals:
        model.add_no_overlap(on_machine)
    model.minimize(span)
    return starts
