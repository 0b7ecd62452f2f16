"""How the rules of ``traffic.rules`` were tuned, on training days alone.

``python -m benchmarks.systems_suite.traffic_tuning cologne1 ...``: all values of ``GRIDS`` on the same ``DAYS`` training days
of each place; those with the lowest mean delay are what ``TUNED`` holds.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from trimtab.systems import Rule, find
from trimtab.systems.traffic.rules import Actuated, Highest, Webster

DAYS = 3
HOLDS = (5.0, 10.0, 15.0, 20.0)
GRIDS: Mapping[str, Sequence[Rule]] = {
    "webster": [Webster(stretch) for stretch in (0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)],
    "actuated": [
        Actuated(shortest, longest, gap, thrifty)
        for shortest, longest, gap, thrifty in product((5.0, 10.0), (20.0, 35.0, 50.0), (2.0, 3.0), (False, True))
    ],
    "pressure": [Highest(pressure=True, hold=hold, counted=counted) for hold in HOLDS for counted in ("standing", "all")],
    "greedy": [Highest(pressure=False, hold=hold, counted=counted) for hold in HOLDS for counted in ("standing", "all")],
}


def delay(env: Any, rule: Rule) -> float:
    """Return the mean delay of ``rule``, in seconds a vehicle."""
    total = 0.0
    for seed in range(DAYS):
        observations, _ = env.reset(seed=seed)
        act = rule(env)
        while env.agents:
            observations, _, _, _, infos = env.step(act(observations))
            total += sum(info["costs"].get("delay", 0.0) for info in infos.values())
    return total / DAYS


def tune(place: str) -> None:
    """Print the best rule of each grid at ``place``."""
    env = find(f"traffic/{place}").make("train")
    for name, rules in GRIDS.items():
        found = [(delay(env, rule), index) for index, rule in enumerate(rules)]
        lowest, index = min(found)
        print(f"{place} {name}: {lowest:.2f} s, {rules[index]}", flush=True)
    env.close()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        tune(argument)
