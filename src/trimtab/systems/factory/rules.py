"""What practitioners do in a job shop: dispatching rules, the best of them, lookahead by them, and plans by CP-SAT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from trimtab.seeds import generator
from trimtab.systems.factory.instances import Instance
from trimtab.systems.factory.lookahead import Table, makespan
from trimtab.systems.factory.plan import orders
from trimtab.systems.factory.priorities import PRIORITIES
from trimtab.systems.system import Act, Rule

if TYPE_CHECKING:
    from trimtab.systems.factory.environment import Action, JobShop


def by_table(table: Callable[[Instance], Table]) -> Rule:
    """Return the rule that takes the waiting job of the lowest priority in ``table``."""

    def rule(env: JobShop) -> Act:
        priorities = table(env.instance)
        position = env.shop.position
        return lambda _: _take(env, min(env.waiting(), key=lambda job: (priorities[job][position[job]], job)))

    return rule


def first_come(env: JobShop) -> Act:
    """FIFO: the job that came first."""
    return lambda _: _take(env, min(env.waiting(), key=lambda job: (env.shop.arrived[job], job)))


def random(env: JobShop) -> Act:
    """Take any of the waiting jobs."""
    rng = generator(env.seed, "random")
    return lambda _: _take(env, int(rng.choice(env.waiting())))


def best_priority(env: JobShop) -> Act:
    """Go by that rule of ``PRIORITIES`` that gives the lowest makespan on planned durations."""
    best = min(PRIORITIES.values(), key=lambda table: makespan(env.instance, table(env.instance)))
    return by_table(best)(env)


def lookahead(env: JobShop) -> Act:
    """Take the job from which some rule comes to the lowest makespan (rollout: Bertsekas, Tsitsiklis & Wu 1997)."""
    return lambda _: _take(env, min(env.choices, key=lambda choice: choice.expected).job)


def cp_sat(seconds: float) -> Rule:
    """Return the rule that plans all with CP-SAT at the start and again after each breakdown, ``seconds`` each time at most.

    It plans on planned durations and mean repairs, on one processor; between plans the orders of the last one are kept.
    """

    def rule(env: JobShop) -> Act:
        from trimtab.systems.factory.environment import Plan

        return lambda _: Plan(orders(env.shop, seconds))

    return rule


def _take(env: JobShop, job: int) -> Action:
    """Return the action for ``job``: its index where it is among the choices of an agent."""
    from trimtab.systems.factory.environment import Start

    return next((index for index, choice in enumerate(env.choices) if choice.job == job), Start(job))


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "random": random,
        "fifo": first_come,
        **{name: by_table(table) for name, table in PRIORITIES.items()},
        "best-of-rules": best_priority,
        "lookahead": lookahead,
        "cp-sat-1s": cp_sat(1.0),
        "cp-sat-10s": cp_sat(10.0),
    }
)
