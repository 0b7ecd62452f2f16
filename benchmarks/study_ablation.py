"""What each part of a study is worth: the same studies without it, on problems that may be developed on.

The prior, the shipped policy and its rules have seen these data sets, so that what is said of them here is an upper bound. The
figure of a variant is its test loss over that of the study as it is shipped, of the same problem and seed. What was made is
kept, and not made again as long as the code of trimtab is the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.pilot_suite.sources import cache_folder
from benchmarks.results import Headline, Measured, interval, run
from benchmarks.study import version
from benchmarks.study_suite import ours
from benchmarks.study_suite.meter import Outcome
from benchmarks.study_suite.problems import PROBLEMS
from benchmarks.study_suite.results import Key, Results
from trimtab.metatraining.learning import settle
from trimtab.search import choice
from trimtab.study.team import Team

CHOSEN = ("questions", "computers", "heart", "segments", "polarity", "diabetes")
SEEDS, BUDGET = 3, 10
SHIPPED = "as shipped"
COOL = 0.03
"""A temperature at which hardly anything is drawn, and starts are still looked for everywhere."""


@dataclass(frozen=True, slots=True)
class Variant:
    """``options`` of the study; ``patches``: (object, name of the attribute, what stands in its place)."""

    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    patches: Sequence[tuple[Any, str, Any]] = ()

    def tune(self, problem: str, seed: int, budget: float) -> Outcome:
        with ExitStack() as stack:
            for each in self.patches:
                stack.enter_context(patch.object(*each))
            return ours.tune(PROBLEMS[problem], budget, seed, self.options)


def _value_only(team: Team, path: Any, *, pauses: bool, toll: float = 0.0) -> float:
    """Return the reward of the last segment and let nobody learn from it."""
    agent = team.agent
    with patch.object(agent, "learn", lambda _: None):
        return _LEARN(team, path, pauses=pauses, toll=toll)


_LEARN = Team.learn

VARIANTS: Mapping[str, Variant] = {
    SHIPPED: Variant(),
    "without forks": Variant(patches=[(choice, "_forks", lambda *_: [])]),
    "without the shipped policy": Variant({"agent": "dqn"}),
    "without learning in the study": Variant(patches=[(Team, "learn", _value_only)]),
    "without agents: moves at random": Variant({"agent": "random"}),
    "without Thompson sampling": Variant(patches=[(choice.Standings, "temperature", property(lambda _: COOL))]),
    "without sending runs to their end": Variant(patches=[(choice, "ENDED", 0.0)]),
    "without the prior: starts at random": Variant({"roots": "random"}),
    "without the prior: starts by TPE": Variant({"roots": "tpe"}),
}


def measure(arguments: argparse.Namespace) -> Measured:
    """Make what is missing, seed after seed, and set each variant beside the study as it is shipped."""
    settle()
    problems, seeds = (CHOSEN[-2:], 1) if arguments.quick else (arguments.problems, arguments.seeds)
    budget = 3.0 if arguments.quick else float(BUDGET)
    results, mine = Results(arguments.results), version()
    for seed in range(seeds):
        for problem in problems:
            for name, variant in VARIANTS.items():
                key = Key(name, problem, seed, budget, mine)
                if key not in results:
                    results.add(key, variant.tune(problem, seed, budget))
                    print(f"{name} {problem} {seed}", file=sys.stderr, flush=True)
    held = {(key.method, key.problem, key.seed): one for key, one in results if key.version == mine and key.budget == budget}
    places = [(problem, seed) for problem in problems for seed in range(seeds)]
    lines, details = list[Headline](), dict[str, Any]()
    for name in list(VARIANTS)[1:]:
        test, validation = (
            [
                getattr(held[name, *place].shipped[-1], what) / getattr(held[SHIPPED, *place].shipped[-1], what)
                for place in places
            ]
            for what in ("test", "validation")
        )
        value = float(np.median(test))
        low, high = interval(test)
        lines.append(Headline(name, value, SHIPPED, 1.0, value, low, high, len(places)))
        details[name] = {"test": test, "validation": validation, "validation, median": float(np.median(validation))}
    return lines, {"version": mine, "problems": list(problems), "ratios": details}


if __name__ == "__main__":
    run(
        "study_ablation",
        measure,
        ("--results", {"type": Path, "default": cache_folder() / "study_ablation", "help": "folder of the results"}),
        ("--problems", {"nargs": "+", "choices": PROBLEMS, "default": list(CHOSEN)}),
        ("--seeds", {"type": int, "default": SEEDS}),
    )
