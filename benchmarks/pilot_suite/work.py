"""Making the runs that are missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

from benchmarks.pilot_suite.ledger import Ledger
from benchmarks.pilot_suite.plan import Job, Wanted, jobs
from benchmarks.pilot_suite.task import Data
from benchmarks.pilot_suite.tasks import TASKS
from benchmarks.pilot_suite.training import settle, train


def make_missing(
    wanted: Wanted,
    ledger: Ledger,
    *,
    policy: str | None = None,
    seconds: float | None = None,
    say: Callable[[str], None] = print,
) -> bool:
    """Make every wanted run that the ledger has not; return whether all are there. ``seconds``: stop after so long."""
    settle()
    began, made = time.monotonic(), 0
    for job in jobs(wanted, ledger):
        if ledger.find(job.task, job.recipe, job.seed) is not None:
            continue
        if seconds is not None and time.monotonic() - began > seconds:
            say(f"stopped after {made} runs: the time is up; the same command goes on from here")
            return False
        say(_made(job, ledger, policy))
        made += 1
    return True


def _made(job: Job, ledger: Ledger, policy: str | None) -> str:
    chosen = {} if policy is None else {"policy": policy}
    run = train(job.task, job.recipe, job.seed, pilot=lambda _: chosen, data=_data(job.task.name))
    ledger.add(job.task, job.recipe, job.seed, run)
    recipe = job.recipe
    named = f"{job.task.name} {recipe.method} {recipe.optimizer} {recipe.rate:g} {recipe.weight_decay:g} x{recipe.length:g}"
    return f"{named} seed {job.seed}: validation {run.final_validation:.5g} ({run.seconds:.1f} s)"


@lru_cache(maxsize=32)
def _data(name: str) -> Data:
    return TASKS[name].data()
