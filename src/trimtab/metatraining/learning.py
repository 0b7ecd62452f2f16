"""Learning a policy: course after course, trainings are cloned and changes tried on the clones; an ensemble learns their worth.

What is learned is the gain of a change over leaving the run alone from there on, told by whole runs and not by estimates of
estimates: one step of policy iteration by rollouts (Bertsekas 2020, section 2.1) from the reference schedule. A policy that
makes the changes of positive gain is better than that; and what was learned stays true however the policy changes.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch

from trimtab.metatraining.acting import careful, stray, trials
from trimtab.metatraining.distribution import Course, draw
from trimtab.metatraining.environment import PRICE, Environment
from trimtab.metatraining.fitting import Worths, fit, ignorant
from trimtab.metatraining.memory import Memory
from trimtab.policy.levers import KEEP
from trimtab.seeds import derive, generator

log = logging.getLogger(__name__)

Trial: TypeAlias = "tuple[np.ndarray, np.ndarray, np.ndarray]"
"""What was seen, (M, features), done, (M, heads), and gained, (M,)."""
Choose: TypeAlias = Callable[[np.random.Generator], Course]

MEMORY = "memory.safetensors"
STATE = "state.json"
CLONES = 8
"""Of each training where a trial is made: one is left alone, the others each change one thing."""
STRAYS = 0.35
"""In how many trainings there are strays before the trial."""
EARLY = 0.25
"""How many trials are made in the first three looks."""
FIT_EVERY = 50
"""The ensemble is fitted anew after so many courses."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a learning is: ``courses`` that were steered, ``trainings`` in them, and the ``seconds`` that they took."""

    courses: int = 0
    trainings: int = 0
    seconds: float = 0.0

    def further(self, trainings: int, seconds: float) -> Progress:
        """Return the progress after one more course."""
        return Progress(self.courses + 1, self.trainings + trainings, self.seconds + seconds)


def learn(
    folder: Path,
    *,
    seed: int,
    courses: int,
    workers: int = 1,
    device: str = "cpu",
    save_seconds: float = 600.0,
    judge: Callable[[Worths, Progress], None] | None = None,
    choose: Choose = draw,
) -> Worths:
    """Learn on ``courses`` courses, go on where ``folder`` was left, and leave there all that is remembered.

    ``choose`` draws a course: a policy may be learned on trainings of one's own. ``workers``: processes that steer courses at a
    time; their number changes rounding errors, and the time. ``device``: where the nets are. ``judge`` is called whenever the
    ensemble was fitted anew: after every FIT_EVERY courses, and at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    memory, progress = _resumed(folder)
    worths = _fitted(memory.before(progress.courses // FIT_EVERY * FIT_EVERY), seed)
    saved = time.monotonic()
    with _mapping(workers) as each:
        while progress.courses < courses:
            until = min(courses, (progress.courses // FIT_EVERY + 1) * FIT_EVERY)
            numbers = range(progress.courses, until)
            for number, steered in zip(numbers, each(partial(_steered, worths, seed, choose, device), numbers), strict=True):
                memory = memory.with_course(number, *steered.trial)
                progress = progress.further(len(steered.trial[0]), steered.seconds)
                log.info("%s", json.dumps({**asdict(progress), "course": steered.name, **steered.report}))
                if time.monotonic() - saved > save_seconds or progress.courses == courses:
                    _save(folder, memory, progress)
                    saved = time.monotonic()
            worths = _fitted(memory, seed)
            if judge is not None:
                judge(worths, progress)
    return worths


@contextmanager
def _mapping(workers: int) -> Generator[Callable[..., Iterator[_Steered]]]:
    """Yield a ``map`` that calls in ``workers`` processes, or here if there is to be one only."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_settle_worker) as pool:
        yield pool.map


def _settle_worker() -> None:
    settle()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that began it ends, however it ends: an idle worker would wait for it forever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def settle() -> None:
    """Set this process up: the nets are small, and more threads would wait for each other."""
    # numpy would warn later that such numbers are gone
    _ = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float64).smallest_subnormal
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # the tiny numbers of nets that have died are slow to compute with


@dataclass(frozen=True, slots=True)
class _Steered:
    """What came of one course: its ``name``, the ``trial``, what to ``report``, and the ``seconds`` that it took."""

    name: str
    trial: Trial
    report: dict[str, float]
    seconds: float


def _steered(worths: Worths, seed: int, choose: Choose, device: str, number: int) -> _Steered:
    began = time.monotonic()
    rng = generator(seed, "course", number)
    course = choose(rng)
    trial, report = steer(worths, course, rng, seed=derive(seed, "course", number), device=device)
    return _Steered(course.name, trial, report, time.monotonic() - began)


def _fitted(memory: Memory, seed: int) -> Worths:
    return fit(memory, seed=seed) if len(memory) else ignorant()


def steer(
    worths: Worths, course: Course, rng: np.random.Generator, *, seed: int, device: str = "cpu"
) -> tuple[Trial, dict[str, float]]:
    """Try what changes are worth in the trainings of ``course``; return what was seen, done and gained, and what to log.

    The trainings are steered up to a look that is drawn: by ``worths``, and in some of them with strays. There each is cloned:
    one clone is left alone, every other moves one lever and is then left alone as well. By how much lower it ends is what the
    move was worth: same weights, same data in the same order, and nothing else that differs.
    """
    environment = Environment(course, seed=seed, device=device)
    turn = environment.start()
    strays = rng.random(len(course.values)) < STRAYS
    until = _look(rng, environment.looks)
    for look in range(until):
        actions = stray(careful(worths, turn.observation, turn.masks), turn.masks, strays, rng, first=look == 0)
        turn = environment.step(actions)
    tried = np.concatenate([trials([mask[row] for mask in turn.masks], CLONES, rng) for row in range(len(strays))])
    rows = np.repeat(np.arange(len(strays)), CLONES)
    gained, divergences = worth(environment.take(rows), tried)
    moved = (tried != KEEP).any(1)
    report = {
        "look": until,
        "better": round(float((gained[moved] > 0).mean()), 3),
        "by half": round(float(np.median(np.abs(gained[moved]))), 4),
        "divergences": divergences,
    }
    return (turn.observation[rows], tried, gained), report


def worth(environment: Environment, tried: np.ndarray) -> tuple[np.ndarray, int]:
    """Return how much lower each of the clones in ``environment`` ends in log loss if it does what is ``tried``, (N, heads).

    Lower than the first of its CLONES. A divergence counts PRICE; their number is returned too.
    """
    before = environment.divergences.copy()
    turn = environment.step(tried)
    still = np.tile(KEEP, (len(tried), 1))
    while not turn.done:
        turn = environment.step(still)
    divergences = environment.divergences - before
    ends = environment.error + PRICE * divergences
    return np.repeat(ends[::CLONES], CLONES) - ends, int(divergences.sum())


def _look(rng: np.random.Generator, looks: int) -> int:
    """Return after how many of ``looks`` a trial is made: often in the first few, and rather early than late."""
    return int(rng.integers(3)) if rng.random() < EARLY else int(looks * rng.random() ** 1.5)


def _resumed(folder: Path) -> tuple[Memory, Progress]:
    if not (folder / STATE).exists():
        return Memory.empty(), Progress()
    progress = Progress(**json.loads((folder / STATE).read_text(encoding="utf-8")))
    # the memory is written first: it may know of more than the state does
    return Memory.load(folder / MEMORY).before(progress.courses), progress


def _save(folder: Path, memory: Memory, progress: Progress) -> None:
    """Write both files whole: the state last, so that it never tells of what is not there."""
    memory.save(folder / MEMORY)
    part = folder / f"{STATE}.part"
    part.write_text(json.dumps(asdict(progress)), encoding="utf-8")
    part.replace(folder / STATE)
