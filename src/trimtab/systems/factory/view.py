"""What an agent sees of a job shop: the machine that is to choose, the jobs that it may take, and what each would come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.systems.factory.lookahead import Table, expected_makespan
from trimtab.systems.factory.shop import IDLE, Shop

CHOICES = 4
"""Jobs that an agent may choose among."""
_TRIED = 6
"""Jobs, the first by the first table, of which it is seen what they would come to."""
_SHOP_FEATURES = 8
_CHOICE_FEATURES = 15
FEATURES = _SHOP_FEATURES + CHOICES * _CHOICE_FEATURES
_ZOOM = 20.0
"""A difference in expected makespan of 5 % of the lower bound is the feature 1."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A waiting job, and the makespans that are expected if it is taken, by each rule of the lookahead from then on."""

    job: int
    makespans: tuple[float, ...]

    @property
    def expected(self) -> float:
        """The lowest of the makespans: rules can be told to go by that one."""
        return min(self.makespans)


def choices(shop: Shop, tables: Sequence[Table], machine: int, *, sort: bool) -> tuple[Choice, ...]:
    """Return the jobs that ``machine`` may take, in the order of the first table.

    With ``sort``: best expected makespan first, of some more jobs; in doubt the first by the first table.
    """
    first = tables[0]
    jobs = sorted(shop.waiting[machine], key=lambda job: (first[job][shop.position[job]], job))
    tried = [
        Choice(job, tuple(expected_makespan(shop, table, machine, job) for table in tables))
        for job in jobs[: _TRIED if sort else CHOICES]
    ]
    return tuple(sorted(tried, key=lambda choice: choice.expected)[:CHOICES] if sort else tried)


@dataclass(frozen=True, slots=True)
class View:
    """A moment of decision. Without choices there is nothing to decide: the shop is done, or follows a plan."""

    shop: Shop
    bound: int
    machine: int | None
    choices: tuple[Choice, ...]
    tables: Sequence[Table] = ()

    @property
    def expected(self) -> float:
        """The makespan that is expected now."""
        if self.choices:
            return min(choice.expected for choice in self.choices)
        if self.shop.done:
            return self.shop.time
        return min(expected_makespan(self.shop, table) for table in self.tables)

    def mask(self) -> np.ndarray:
        """Return which choices there are, shape (CHOICES,)."""
        return np.arange(CHOICES) < max(len(self.choices), 1)


def observe(view: View) -> np.ndarray:
    """Return the observation of a moment, shape (FEATURES,), each in [-1, 1]."""
    observation = np.zeros(FEATURES)
    if view.machine is not None:
        observation[:_SHOP_FEATURES] = _of_shop(view, view.machine)
        rows = np.array([_of_choice(view, choice, view.machine) for choice in view.choices])
        observation[_SHOP_FEATURES : _SHOP_FEATURES + rows.size] = rows.ravel()
    return np.clip(observation, -1, 1).astype(np.float32)


def _of_shop(view: View, machine: int) -> list[float]:
    shop = view.shop
    instance = shop.instance
    operations = sum(map(len, instance.machines))
    return [
        sum(shop.position) / operations,
        shop.time / (2 * view.bound),
        view.expected / view.bound - 1,
        len(shop.waiting[machine]) / 8,
        sum(len(jobs) for jobs in shop.waiting) / instance.jobs,
        sum(job != IDLE for job in shop.running) / instance.stations,
        sum(broken is not None for broken in shop.broken) / instance.stations,
        sum(shop.instance.durations[job][shop.position[job]] for job in shop.waiting[machine]) / (0.25 * view.bound),
    ]


def _of_choice(view: View, choice: Choice, machine: int) -> list[float]:
    """Return what dispatching rules look at and what the lookahead says, for one job."""
    shop = view.shop
    durations = shop.instance.durations[choice.job]
    step = shop.position[choice.job]
    longest = max(map(max, shop.instance.durations))
    spread = np.sort(np.subtract(choice.makespans, view.expected)) * _ZOOM / view.bound
    return [
        1.0,
        float(spread[0]),
        float(spread[1]),
        float(np.median(spread)),
        float(np.mean(spread)),
        durations[step] / longest,
        sum(durations[step:]) / view.bound,
        (shop.time + sum(durations[step:])) / view.bound - 1,
        (len(durations) - step) / len(durations),
        (shop.time - shop.arrived[choice.job]) / (0.25 * view.bound),
        *_of_next_machine(shop, choice.job, longest),
        *_ranks(shop, choice.job, machine),
    ]


def _of_next_machine(shop: Shop, job: int, longest: int) -> list[float]:
    """Return how long the operation after this one is, and how much waits and runs at its machine; 0 where there is none."""
    step = shop.position[job] + 1
    route = shop.instance.machines[job]
    if step == len(route):
        return [0.0, 0.0]
    machine = route[step]
    queued = sum(shop.instance.durations[other][shop.position[other]] for other in shop.waiting[machine])
    return [shop.instance.durations[job][step] / longest, (queued + shop.remaining(machine)) / (4 * longest)]


def _ranks(shop: Shop, job: int, machine: int) -> list[float]:
    """Return the place of ``job`` among those that wait, by duration, by work left and by arrival, each in [0, 1]."""
    others = shop.waiting[machine]
    durations = shop.instance.durations

    def time(each: int) -> float:
        return durations[each][shop.position[each]]

    def work(each: int) -> float:
        return sum(durations[each][shop.position[each] :])

    last = max(len(others) - 1, 1)
    return [
        sum(time(each) < time(job) for each in others) / last,
        sum(work(each) > work(job) for each in others) / last,
        others.index(job) / last,
    ]
