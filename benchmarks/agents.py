"""What the agents can do on tasks that are no training of networks: beside their peers and beside the exact optimum.

OMP_NUM_THREADS=1 python -m benchmarks.agents [--quick] [--json FILE] [--only NAME ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch

from benchmarks import agents_deep, agents_factored, agents_tabular
from benchmarks.results import Headline, Measured, run


def _cartpole(quick: bool) -> Measured:
    course = agents_deep.CARTPOLE
    return agents_deep.returns(course, range(1 if quick else 10), course.quick_steps if quick else course.steps)


def _speed(quick: bool) -> Measured:
    return agents_deep.speed(2 if quick else 7, 2_048 if quick else 8_192)


def _acrobot(quick: bool) -> Measured:
    return agents_deep.returns(agents_deep.ACROBOT, range(1 if quick else 3), 2_000 if quick else agents_deep.ACROBOT.steps)


def _lander(quick: bool) -> Measured:
    return agents_deep.returns(
        agents_deep.LUNAR_LANDER, range(1 if quick else 3), 2_000 if quick else agents_deep.LUNAR_LANDER.steps
    )


def _tabular(course: agents_tabular.Course) -> Callable[[bool], Measured]:
    return lambda quick: agents_tabular.optimum(course, range(1 if quick else 20))


def _cliff(quick: bool) -> Measured:
    seeds = range(2 if quick else 20)
    greedy, first = agents_tabular.optimum(agents_tabular.CLIFF, seeds)
    online, second = agents_tabular.cliff_while_exploring(seeds)
    return [*greedy, *online], first | second


def _factored(quick: bool) -> Measured:
    return agents_factored.chain(range(1 if quick else 5), 1_500 if quick else 12_000)


def _game(quick: bool) -> Measured:
    return [], agents_factored.matrix_game(range(1 if quick else 10))


PARTS: dict[str, Callable[[bool], Measured]] = {
    "frozenlake": _tabular(agents_tabular.FROZEN_LAKE),
    "taxi": _tabular(agents_tabular.TAXI),
    "cliff": _cliff,
    "game": _game,
    "factored": _factored,
    "speed": _speed,
    "cartpole": _cartpole,
}
ON_REQUEST: dict[str, Callable[[bool], Measured]] = {"acrobot": _acrobot, "lunarlander": _lander}


def measure(arguments: argparse.Namespace) -> Measured:
    """Run the parts that were asked for."""
    torch.set_num_threads(1)
    agents_deep.quiet()
    every = PARTS | ON_REQUEST
    headlines: list[Headline] = []
    details: dict[str, Any] = {}
    for name in arguments.only or PARTS:
        print(name, flush=True)
        found, more = every[name](arguments.quick)
        headlines += found
        details |= more
    return headlines, details


if __name__ == "__main__":
    names = sorted(PARTS | ON_REQUEST)
    run("agents", measure, ("--only", {"nargs": "+", "choices": names, "metavar": "NAME", "help": f"of {', '.join(names)}"}))
