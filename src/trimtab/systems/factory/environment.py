"""Manufacturing: a job shop in which one agent says, whenever a machine is free and jobs wait for it, which is next.

A machine never idles while a job waits for it, unless a plan says so. The shop itself is in ``shop``, what the agent
sees in ``view``, what practitioners do in ``rules``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.factory.disturbance import Disturbance, Fate
from trimtab.systems.factory.instances import Instance, drawn, published
from trimtab.systems.factory.priorities import LOOKAHEAD
from trimtab.systems.factory.rules import RULES
from trimtab.systems.factory.shop import Shop
from trimtab.systems.factory.view import CHOICES, FEATURES, Choice, View, choices, observe
from trimtab.systems.system import Split, System, checked_render_mode

_REWARD = 10.0
"""Reward of a loss of the whole lower bound; 1 % of it is then 0.1."""


@dataclass(frozen=True, slots=True)
class Start:
    """An action by which rules name any waiting job; agents choose among the first ``CHOICES``."""

    job: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An action by which a scheduler sets the order of all jobs to come on each machine, until the next breakdown."""

    orders: tuple[tuple[int, ...], ...]


Action: TypeAlias = int | np.integer[Any] | Start | Plan
Instances: TypeAlias = Callable[[Split, int], Instance]
"""From a split and a seed to the shop of an episode."""


class JobShop(gymnasium.Env[np.ndarray, Action]):
    """Episodes of a split. An action is an index into ``choices``."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(
        self, instances: Instances, split: Split, *, disturbance: Disturbance | None = None, render_mode: str | None = None
    ) -> None:
        self.instances = instances
        self.split: Split = split
        self.disturbance = disturbance
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(CHOICES)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.seed = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        self.instance = self.instances(self.split, self.seed)
        self.shop = Shop(self.instance, self._fate())
        self.bound = self.instance.bound()
        self.tables = [table(self.instance) for table in LOOKAHEAD]
        self._settle()
        return observe(self.view), self._info({})

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        before, expected = self.shop.time, self.view.expected
        if isinstance(action, Plan):
            self._follow(action)
        else:
            self._start(action)
            self._settle()
        costs = {"makespan": float(self.shop.time - before)}
        if self.shop.done:
            costs |= self._final_costs()
        reward = _REWARD * (expected - self.view.expected) / self.bound
        return observe(self.view), float(reward), self.shop.done, False, self._info(costs)

    @property
    def machine(self) -> int | None:
        """The machine that is to choose; None where none has a choice (a plan was interrupted): then 0 lets time pass."""
        return self.view.machine

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The jobs that an agent may choose among: best expected makespan first, or by the best rule in a disturbed shop."""
        return self.view.choices

    def waiting(self) -> list[int]:
        """Return all jobs that wait at the machine that is to choose, in order of arrival."""
        return [] if self.machine is None else list(self.shop.waiting[self.machine])

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.factory.picture import picture

        return picture(self.shop, self.bound)

    def _fate(self) -> Fate:
        if self.disturbance is None:
            return Fate.undisturbed(self.instance)
        return self.disturbance.draw(self.instance, generator(self.seed, self.split, "fate"))

    def _start(self, action: int | np.integer[Any] | Start) -> None:
        if isinstance(action, Start):
            if self.machine is None or action.job not in self.waiting():
                raise ControlError(f"action: expected Start of one of the waiting jobs {self.waiting()}, got {action}")
            self.shop.start(self.machine, action.job)
            return
        allowed = np.flatnonzero(self.view.mask())
        if action not in allowed:
            raise ControlError(f"action: expected one of {allowed.tolist()} (machine {self.machine}), got {action!r}")
        if self.machine is not None:
            self.shop.start(self.machine, self.choices[int(action)].job)

    def _settle(self) -> None:
        """Let the shop go on until a machine has a choice, or all is done."""
        shop = self.shop
        while not shop.done:
            free = shop.free()
            contested = [machine for machine in free if len(shop.waiting[machine]) > 1]
            if contested:
                self.view = self._seen(contested[0])
                return
            for machine in free:
                shop.start(machine, shop.waiting[machine][0])
            shop.advance()
        self.view = View(shop, self.bound, None, ())

    def _follow(self, plan: Plan) -> None:
        """Let the shop go on by ``plan`` until a machine breaks down, or all is done."""
        shop = self.shop
        left = self._checked(plan)
        breakdowns = shop.breakdowns
        while not shop.done and shop.breakdowns == breakdowns:
            for machine in shop.free():
                if left[machine][0] in shop.waiting[machine]:
                    shop.start(machine, left[machine].pop(0))
            shop.advance()
        contested = [machine for machine in shop.free() if len(shop.waiting[machine]) > 1]
        if shop.done or not contested:
            self.view = View(shop, self.bound, None, (), self.tables)
        else:
            self.view = self._seen(contested[0])

    def _seen(self, machine: int) -> View:
        # what is expected misleads where much goes otherwise: there the order is that of the best rule
        listed = choices(self.shop, self.tables, machine, sort=self.disturbance is None)
        return View(self.shop, self.bound, machine, listed)

    def _checked(self, plan: Plan) -> list[list[int]]:
        missing: list[list[int]] = [[] for _ in range(self.instance.stations)]
        for job, route in enumerate(self.instance.machines):
            started = self.shop.position[job] + (job in self.shop.running)
            for machine in route[started:]:
                missing[machine].append(job)
        if [sorted(order) for order in plan.orders] != [sorted(jobs) for jobs in missing]:
            raise ControlError(f"action: expected a Plan of these jobs on each machine: {missing}, got {plan.orders}")
        return [list(order) for order in plan.orders]

    def _final_costs(self) -> dict[str, float]:
        costs = {"over bound (%)": 100 * (self.shop.time / self.bound - 1)}
        if self.instance.best is not None:
            costs["gap to best known (%)"] = 100 * (self.shop.time / self.instance.best - 1)
        return costs

    def _info(self, costs: dict[str, float]) -> dict[str, Any]:
        return {"costs": costs, "action_mask": self.view.mask()}


def _random_or(jobs: int, machines: int, names: tuple[str, ...], split: Split, seed: int) -> Instance:
    """Return a published shop for the split "test", by ``seed`` modulo their number; otherwise one that the seed draws."""
    if split == "test":
        return published(names[seed % len(names)])
    return drawn(jobs, machines, generator(seed, split, "instance"))


def _taillard(first: int) -> tuple[str, ...]:
    return tuple(f"ta{number:02d}" for number in range(first, first + 10))


BREAKDOWNS = Disturbance(spread=0.2, down=0.025, repair=1.0)


def _system(name: str, about: str, instances: Instances, *, disturbance: Disturbance | None = None) -> System:
    def make(split: Split) -> JobShop:
        return JobShop(instances, split, disturbance=disturbance)

    return System(
        name=f"factory/{name}",
        about=about,
        make=make,
        rules=RULES,
        trusted="lookahead" if disturbance is None else "mwkr-less-2pt",
        cost="makespan",
        unit="units of time",
        extra="factory",
        episodes=200,
    )


_SIZES = (("15x15", 15, 15, 1), ("20x15", 20, 15, 11), ("20x20", 20, 20, 21), ("30x15", 30, 15, 31), ("30x20", 30, 20, 41))

SYSTEMS: tuple[System, ...] = (
    _system("ft06", "a job shop of 6 jobs on 6 machines; tested on ft06", partial(_random_or, 6, 6, ("ft06",))),
    *(
        _system(
            name,
            f"a job shop of {jobs} jobs on {machines} machines; tested on ta{first:02d}-ta{first + 9}",
            partial(_random_or, jobs, machines, _taillard(first)),
        )
        for name, jobs, machines, first in _SIZES
    ),
    _system(
        "15x15-breakdowns",
        "the shop 15x15 with durations that differ from the plan and machines that break down",
        partial(_random_or, 15, 15, _taillard(1)),
        disturbance=BREAKDOWNS,
    ),
)
