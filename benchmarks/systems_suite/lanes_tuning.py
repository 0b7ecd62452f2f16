"""How the rules of ``lanes`` were tuned, on training days alone: ``python -m benchmarks.systems_suite.lanes_tuning``.

The best of a grid for each of them, by the mean delay over the same days.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from trimtab.systems import Rule
from trimtab.systems.lanes.environment import TidalRoad
from trimtab.systems.lanes.rules import Clock, Counts, Fixed

GRIDS: Mapping[str, Sequence[Rule]] = {
    "fixed": [Fixed(east) for east in (2, 3)],
    "clock": [Clock(first, first + gap, 4, 3) for first, gap in product((55, 65, 75), (0, 10))],
    "counts": [Counts(minutes, queue, gain) for minutes, queue, gain in product((2, 3, 5), (0.0, 1.0), (0.0, 0.05))],
}


def delay(env: TidalRoad, rule: Rule, seeds: Sequence[int]) -> float:
    """Return the mean delay under ``rule``, in seconds a vehicle."""
    delays = list[float]()
    for seed in seeds:
        env.reset(seed=seed)
        act, total, over = rule(env), 0.0, False
        while not over:
            _, _, _, over, info = env.step(act(None))
            total += info["costs"]["delay"]
        delays.append(total)
    return float(np.mean(delays))


def main() -> None:
    """Tune each rule and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=6)
    parser.add_argument("--only", nargs="+", choices=GRIDS, default=list(GRIDS))
    arguments = parser.parse_args()
    env = TidalRoad("train")
    for name in arguments.only:
        for rule in GRIDS[name]:
            print(f"{delay(env, rule, range(arguments.days)):8.1f} s a vehicle: {rule}", flush=True)


if __name__ == "__main__":
    main()
