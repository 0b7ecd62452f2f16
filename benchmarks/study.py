"""Studies on ten real problems by trimtab and by other tuners, at the same compute, counted in gradient examples.

What is in the results folder is not made again, so that it can be stopped and gone on with. What the published figures are of
is kept beside the code; with a new folder for ``--results`` all are made. The peers run in an interpreter of their own,
``--peers-python``: see ``benchmarks/study_suite/peers/__init__.py`` for what it needs. The whole takes many hours.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from benchmarks.results import Headline, Measured, run
from benchmarks.study_suite import ours, picture, regret
from benchmarks.study_suite.meter import MARKS, BudgetUsedError, Meter, Outcome
from benchmarks.study_suite.peers import PEERS
from benchmarks.study_suite.problems import MEASURED, PROBLEMS
from benchmarks.study_suite.regret import Estimate
from benchmarks.study_suite.results import Key, Results, by_peer
from benchmarks.study_suite.sooner import above, by_place, factors, summary
from benchmarks.study_suite.space import DEFAULT
from benchmarks.study_suite.static import Training
from benchmarks.study_suite.versions import beside

QUICK = {"problems": ("subjectivity", "electricity"), "seeds": 3, "methods": ("random", "top-3", "tpe-hyperband"), "budget": 3}
DEFAULT_SEEDS = 3


def version() -> str:
    """Return what tells this state of trimtab's search from another: a digest of its source and of its priors."""
    folder = Path(ours.tt.__file__).parent
    parts = [path for name in ("search", "study", "agents", "policy") for path in sorted((folder / name).rglob("*"))]
    read = b"".join(path.read_bytes() for path in parts if path.suffix in (".py", ".safetensors"))
    return hashlib.sha256(read).hexdigest()[:8]


def measure(arguments: argparse.Namespace) -> Measured:
    """Make the studies that are missing, one after the other, and set them side by side."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if arguments.quick:
        vars(arguments).update(QUICK)
    results, mine = Results(arguments.results), arguments.version or version()
    problems, seeds = list(arguments.problems), range(arguments.seeds)
    wanted = [Key("default", problem, seed, 1.0) for problem in problems for seed in range(DEFAULT_SEEDS)]
    for seed in seeds:
        for method in ("trimtab", *arguments.methods):
            state = mine if method == "trimtab" else ""
            wanted += [Key(method, problem, seed, float(arguments.budget), state) for problem in problems]
    for key in wanted:
        if key not in results and not arguments.show:
            results.add(key, _made(key, arguments.peers_python))
            print(f"{key.method} {key.problem} {key.seed}", file=sys.stderr, flush=True)
    if arguments.picture:
        picture.draw(results, ("trimtab", *arguments.methods), mine, float(arguments.budget), arguments.picture)
    lines, details = _figures(results, problems, seeds, arguments.methods, mine, arguments.budget)
    if arguments.beside:
        new, old = (by_place(results, "trimtab", version, float(arguments.budget)) for version in (mine, arguments.beside))
        lines += beside(new, old, arguments.beside)
    return lines, details


def _made(key: Key, python: str) -> Outcome:
    problem = PROBLEMS[key.problem]
    if key.method == "trimtab":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ours.tune(problem, key.budget, key.seed)
    if key.method != "default":
        return by_peer(key, python)
    meter, training = Meter(problem, key.budget), Training(problem, DEFAULT, key.seed)
    with suppress(BudgetUsedError):
        while training.done < training.horizon:
            meter.advance(training)
    return meter.finish()


def _figures(
    results: Results, problems: Sequence[str], seeds: Sequence[int], methods: Sequence[str], mine: str, budget: float
) -> Measured:
    marks = [mark for mark in MARKS if mark <= budget]
    curves: dict[str, dict[int, Estimate]] = {}
    for mark in marks:
        held = regret.table(results, mark, marks=marks, version=mine)
        for method in ("trimtab", *methods):
            regrets = held.regrets(method, problems, seeds)
            if regrets is not None:
                curves.setdefault(method, {})[mark] = regret.estimate(regrets)
    if "trimtab" not in curves:
        return [], {"missing": "trimtab"}
    sooner = {method: summary(found) for method in methods if (found := _factors(results, method, mine, budget))}
    lines = [line for mark in marks if (line := _headline(curves, mark, len(seeds))) is not None]
    if sooner:
        best = min(sooner, key=lambda method: sooner[method][0])
        value, low, high = sooner[best]
        lines.append(Headline("budget factor", value, best, low=low, high=high, seeds=len(seeds), better="higher"))
    notes = [outcome.notes for outcome in by_place(results, "trimtab", mine, float(budget)).values()]
    lines.append(Headline("reuse", fmean(note["reuse"] for note in notes), seeds=len(seeds), better="higher"))
    within = [note["within"] for note in notes if note["within"] is not None]
    if within:
        lines.append(Headline("interval coverage (to be 0.7 to 0.9)", fmean(within), seeds=len(seeds), better="higher"))
    details: dict[str, Any] = {
        method: {str(mark): [one.value, *one.over_seeds, *one.over_problems] for mark, one in curve.items()}
        for method, curve in curves.items()
    }
    held = {method: by_place(results, method, mine, float(budget)) for method in curves}
    heights = {method: each.tolist() for method, each in above(held, np.array(marks)).items()}
    found = {"regret": details, "above the lowest validation loss, %": heights, "budget factors": sooner}
    return lines, {"version": mine, "problems": list(problems), **found}


def _factors(results: Results, method: str, version: str, budget: float) -> list[float]:
    mine, other = (by_place(results, name, version, float(budget)) for name in ("trimtab", method))
    return factors(mine, other)


def _headline(curves: dict[str, dict[int, Estimate]], mark: int, seeds: int) -> Headline | None:
    """Return trimtab's regret at ``mark`` beside that of the best peer there."""
    rivals = {method: curve[mark] for method, curve in curves.items() if method != "trimtab" and mark in curve}
    if mark not in curves["trimtab"] or not rivals:
        return None
    own = curves["trimtab"][mark]
    best = min(rivals, key=lambda method: rivals[method].value)
    low, high = own.over_seeds
    other = rivals[best].value
    return Headline(f"normalised regret at {mark} runs", own.value, best, other, own.value / other, low, high, seeds)


if __name__ == "__main__":
    run(
        "study",
        measure,
        ("--results", {"type": Path, "help": "folder of the results (default: those kept beside the code)"}),
        ("--peers-python", {"default": sys.executable, "help": "the interpreter that has the peers (default: this one)"}),
        ("--problems", {"nargs": "+", "choices": PROBLEMS, "default": [problem.name for problem in MEASURED]}),
        ("--methods", {"nargs": "*", "choices": PEERS, "default": [name for name in PEERS if name != "ifbo"]}),
        ("--seeds", {"type": int, "default": 10}),
        ("--budget", {"type": float, "default": 10.0, "help": "in whole runs"}),
        ("--version", {"help": "of trimtab whose results are shown (default: the present one)"}),
        ("--beside", {"metavar": "VERSION", "help": "of trimtab whose results are set beside"}),
        ("--picture", {"type": Path, "help": "write the any-time curves to this file"}),
        ("--show", {"action": "store_true", "help": "only show what is there"}),
    )
