"""A trimtab study of a problem, charged as the peers are: every segment, and the measurement before a run's first step."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trimtab as tt
from benchmarks.study_suite.meter import MARKS, Outcome, shipped
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import CHOICES, LIVE, NUMBERS
from trimtab.report.evaluation import forecasts, reuse
from trimtab.store.records import Node

MOMENTUM = 0.9


def space() -> tt.Space:
    """Return the space of the peers without the schedule: the agents make their own."""
    members: dict[str, Any] = {}
    for name, number in NUMBERS.items():
        kind, live = (tt.Int if number.whole else tt.Float), name in LIVE
        members[name] = kind(number.low, number.high, log=number.log, live=live)
    for name, choices in CHOICES.items():
        if name != "schedule":
            members[name] = tt.Categorical(*choices, live=False)
    return tt.Space(members)


def task_of(problem: Problem) -> tt.TorchTask:
    data = problem.data()
    return tt.TorchTask(
        build=problem.build,
        train=(data.train.x, data.train.y),
        validation=(data.validation.x, data.validation.y),
        loss=problem.loss.function,
        evaluation_batch=problem.loss.chunk,
        segment=f"{problem.segment} examples",
        reference="linear",
        defaults={"momentum": MOMENTUM},
    )


def tune(problem: Problem, budget: float, seed: int, options: Mapping[str, Any] | None = None) -> Outcome:
    """Spend ``budget`` whole runs and return what would be shipped at each mark."""
    began = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="trimtab-study-"))
    # each root is measured before its first step, so that the budget in segments is a little less
    study = tt.Study(
        task_of(problem),
        space(),
        budget=tt.Budget(segments=round(budget * HORIZON)),
        horizon=HORIZON,
        store=f"sqlite:///{folder / 'study.db'}",
        seed=seed,
        **{} if options is None else options,
    )
    try:
        result = study.run()
        outcome = _outcome(problem, result, budget)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcome.seconds = time.perf_counter() - began
    return outcome


def cost_of(problem: Problem, node: Node) -> float:
    """Return what a segment cost, in whole runs."""
    return (problem.segment_cost + problem.measuring_cost * (node.before is not None)) / problem.full_run


def _outcome(problem: Problem, result: tt.Result, budget: float) -> Outcome:
    outcome, spent, seconds = Outcome(), 0.0, 0.0
    best: Node | None = None
    marks = [mark for mark in MARKS if mark <= budget]
    for node in result.tree:
        cost = cost_of(problem, node)
        while marks and spent + cost > marks[0] + 1e-9 and best is not None:
            outcome.shipped.append(_ship(problem, result, best, marks.pop(0), seconds))
        if spent + cost > budget + 1e-9:
            break
        spent += cost
        seconds += node.after.seconds
        outcome.trainings += node.job.parent is None
        if node.checkpoint is not None and (best is None or node.error < best.error):
            best = node
            outcome.trace.append((spent, node.after.metrics["loss"]))
    for mark in marks:
        if best is not None:
            outcome.shipped.append(_ship(problem, result, best, mark, seconds))
    seen = forecasts(result.tree)
    outcome.notes = {
        "reuse": reuse(result.tree),
        "within": None if seen is None else seen.within,
        "forks": sum(node.job.choice.kind == "fork" for node in result.tree),
        "whole runs": sum(node.job.index + 1 == HORIZON for node in result.tree),
    }
    return outcome


def _ship(problem: Problem, result: tt.Result, best: Node, mark: int, seconds: float) -> Any:
    assert best.checkpoint is not None
    assert result.task is not None
    model = result.task.load_model(result.journal.checkpoints.read(best.checkpoint))
    return shipped(problem, model, mark, best.after.metrics["loss"], dict(best.job.settings), seconds)
