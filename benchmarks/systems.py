"""Systems run by agents that learned to, and by the rules that practitioners trust, on the same 20 held-out episodes.

Agents have the same settings on every system ("trimtab"); those of ``System.options`` are shown apart ("trimtab tuned"). What
is in the ledger beside the code is not made again; with a new folder for ``--outcomes`` all are. The whole takes a night.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

import trimtab as tt
from benchmarks.results import Headline, Measured, run
from benchmarks.systems_suite.ledger import FOLDER, Ledger, Outcome
from trimtab.controllers import Evaluation, evaluate
from trimtab.systems import System, find, systems

EPISODES, SEEDS, RESAMPLES = 20, 5, 10_000
QUICK = ("traffic/2way-single", "factory/ft06", "farm/maize-champion")
QUICK_EPISODES, QUICK_BUDGET = 5, 10
OURS, TUNED = "trimtab", "trimtab tuned"


def measure(arguments: argparse.Namespace) -> Measured:
    """Train and judge what is missing, then set it side by side."""
    torch.set_num_threads(1)
    names = arguments.only or (QUICK if arguments.quick else tuple(systems()))
    folder = Path(tempfile.mkdtemp()) if arguments.quick else arguments.outcomes
    lines, details = list[Headline](), dict[str, Any]()
    for name in names:
        system, ledger = find(name), Ledger(name, folder)
        if not arguments.show:
            _make(system, ledger, arguments)
        if any(contender == OURS for contender, _ in ledger.outcomes):
            found = _compared(system, ledger)
            lines += found[0]
            details[name] = found[1]
    return lines, details


def _make(system: System, ledger: Ledger, arguments: argparse.Namespace) -> None:
    """Let agents learn with every training seed, and the rules play once."""
    seeds = 1 if arguments.quick else arguments.seeds
    wanted = [(OURS, seed) for seed in range(seeds)]
    wanted += [(TUNED, seed) for seed in range(seeds)] if system.options and not arguments.quick else []
    for contender, seed in wanted:
        if (contender, seed) in ledger.outcomes and all((rule, 0) in ledger.outcomes for rule in system.rules):
            continue
        missing = [rule for rule in system.rules if (rule, 0) not in ledger.outcomes]
        for outcome in _learned(system, contender, seed, missing, quick=arguments.quick):
            ledger.add(outcome)
        print(f"{system.name} {contender} {seed}", file=sys.stderr, flush=True)


def _learned(system: System, contender: str, seed: int, rules: list[str], *, quick: bool) -> list[Outcome]:
    options = dict(system.options) if contender == TUNED else {}
    budget = tt.Budget(episodes=QUICK_BUDGET if quick else system.episodes)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = tt.control(system, budget=budget, options=options, store=Path(folder) / "study.db", seed=seed)
        seconds, policy = time.perf_counter() - began, result.policy
        found = evaluate(policy, system, seeds=QUICK_EPISODES if quick else EPISODES, against=rules)
    first = _outcome(system, found, 0, contender, seed, seconds, guarded=policy.guarded)
    return [first, *(_outcome(system, found, 1 + place, rule, 0, 0.0) for place, rule in enumerate(rules))]


def _outcome(
    system: System, found: Evaluation, place: int, contender: str, seed: int, seconds: float, *, guarded: bool = False
) -> Outcome:
    standing = found.standings[place]
    costs = {name: [float(cost) for cost in each] for name, each in standing.costs.items()}
    return Outcome(system.name, contender, seed, costs, seconds, standing.seconds, guarded)


def _compared(system: System, ledger: Ledger) -> tuple[list[Headline], dict[str, Any]]:
    rules = {name: ledger.costs(name, system.cost)[0] for name in system.rules if (name, 0) in ledger.outcomes}
    best = min(rules, key=lambda name: float(rules[name].mean()))
    lines = list[Headline]()
    for contender in (OURS, TUNED):
        ours = ledger.costs(contender, system.cost)
        if not len(ours):
            continue
        ratio = float(ours.mean() / rules[best].mean())
        low, high = _interval(ours, rules[best])
        name = f"{system.name}: ratio to the best baseline" + (", tuned" if contender == TUNED else "")
        lines.append(Headline(name, ratio, best, 1.0, ratio, low, high, len(ours)))
    return lines, {"rules": {name: _told(costs[None]) for name, costs in rules.items()}, "ours": _ours(ledger)}


def _ours(ledger: Ledger) -> dict[str, Any]:
    own = [outcome for outcome in ledger.outcomes.values() if outcome.contender == OURS]
    others = {cost: _told(ledger.costs(OURS, cost)) for cost in own[0].costs}
    seconds = float(np.mean([outcome.seconds for outcome in own]))
    guarded = sum(outcome.guarded for outcome in own)
    return {"costs": others, "training seconds": seconds, "guarded": guarded, "decision seconds": own[0].decision}


def _told(costs: np.ndarray) -> dict[str, float]:
    return {"mean": float(costs.mean()), "worst": float(costs.max()), "worst seed": float(costs.mean(1).max())}


def _interval(ours: np.ndarray, rule: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the ratio of means, drawn anew over training seeds and over episodes, which are paired."""
    rng = np.random.default_rng(0)
    seeds, episodes = ours.shape
    rows = rng.integers(seeds, size=(RESAMPLES, seeds))
    columns = rng.integers(episodes, size=(RESAMPLES, episodes))
    means = np.array([ours[np.ix_(row, column)].mean() for row, column in zip(rows, columns, strict=True)])
    beside = rule[columns].mean(1)
    # episodes in which a rule pays nothing, drawn alone, give no ratio
    low, high = np.quantile(means[beside > 0] / beside[beside > 0], (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    run(
        "systems",
        measure,
        ("--only", {"nargs": "+", "metavar": "NAME", "help": "systems (default: all)"}),
        ("--seeds", {"type": int, "default": SEEDS, "help": "of the training"}),
        ("--outcomes", {"type": Path, "default": FOLDER, "help": "folder of the ledger (default: the one beside the code)"}),
        ("--show", {"action": "store_true", "help": "make nothing, show what there is"}),
    )
