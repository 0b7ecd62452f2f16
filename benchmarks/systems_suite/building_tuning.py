"""How the setback of ``rules`` was tuned, on the training cities and weeks alone.

``python -m benchmarks.systems_suite.building_tuning``: a pattern search, which moves one part of the rule at a time a place up
or down the list of its values, for as long as that lowers the mean cost of ``WEEKS`` training episodes, always the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trimtab.systems import Rule, find
from trimtab.systems.building.rules import COOLING, FRESH, HEATING, Setback

WEEKS = 12
VALUES: Mapping[str, Sequence[float]] = {
    "lead": (0, 1, 2, 3),
    "share": (0.05, 0.1, 0.2, 0.3),
    "cooling_out": COOLING,
    "heating_out": HEATING,
    "cooling_in": COOLING,
    "heating_in": HEATING,
    "fresh": FRESH,
    "fresh_from": (0.05, 0.1, 0.2, 0.3, 0.5),
}
START = Setback(heating_in=20.0, heating_out=15.0, cooling_in=26.0, cooling_out=28.0, lead=1, share=0.1)
"""The edges of the band in which people are at ease, while they are in."""


def cost(rule: Rule) -> float:
    """Return the mean cost of ``rule``, in dollars a week."""
    env, total = find("building/office").make("train"), 0.0
    try:
        for seed in range(WEEKS):
            env.reset(seed=seed)
            act, over = rule(env), False
            while not over:
                _, _, _, over, info = env.step(act(None))
                total += info["costs"]["cost"]
    finally:
        env.close()
    return total / WEEKS


def tuned(start: Setback = START) -> tuple[float, Setback]:
    """Return what the search from ``start`` ends at, and its cost."""
    best, lowest, known = start, cost(start), {start}
    improved = True
    while improved:
        improved = False
        for tried in _neighbours(best):
            if tried in known:
                continue
            known.add(tried)
            found = cost(tried)
            if found < lowest:
                lowest, best, improved = found, tried, True
                print(f"{lowest:.2f} $: {best}", flush=True)
                break
    return lowest, best


def _neighbours(rule: Setback) -> list[Setback]:
    found: list[Setback] = []
    for name, values in VALUES.items():
        place = list(values).index(getattr(rule, name))
        others = [other for other in (place - 1, place + 1) if 0 <= other < len(values)]
        found += [replace(rule, **{name: values[other]}) for other in others]
    return found


if __name__ == "__main__":
    print("{:.2f} $: {}".format(*tuned()))
