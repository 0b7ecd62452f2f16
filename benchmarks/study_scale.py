"""What a study costs as it grows, and whether its workers wait: a decision among 10,000 segments, workers with unequal work.

What is timed is the deciding. So the trainings are made up: losses by a formula, seconds by sleeping.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from safetensors.numpy import load, save

import trimtab as tt
from benchmarks.results import Headline, Measured, interval, run
from trimtab.env import resolve
from trimtab.store.records import Choice, Job, Node, SegmentFinished, WorkersChanged
from trimtab.study.budget import Budget
from trimtab.study.core import Core, Plan
from trimtab.study.recruit import adviser, recruit
from trimtab.study.team import Team
from trimtab.task import Goal, Measurement, Progress, Segment, Split

SPACE = tt.Space(
    lr=tt.Float(1e-5, 1.0, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    batch_size=tt.Int(16, 256, log=True),
    dropout=tt.Float(0.0, 0.6),
    width=tt.Int(16, 128, log=True, live=False),
)
HORIZON = 27
FEW, MANY = 100, 10_000
WINDOW = 100
"""So many decisions are timed at each size."""
SHORTEST, LONGEST = 0.1, 2.0
"""Seconds of the segments of workers, by their width."""


class TimedTeam(Team):
    """A team that adds up the seconds of its decisions."""

    seconds = 0.0

    def decide(self, path: Sequence[Node], **named: Any) -> tuple[tt.Settings, Choice]:
        began = time.perf_counter()
        decided = super().decide(path, **named)
        self.seconds += time.perf_counter() - began
        return decided


class TimedCore(Core):
    """A core that notes the milliseconds from when a worker is free to when it has its job: where to go on, and how."""

    def __init__(self, plan: Plan, team: TimedTeam) -> None:
        self.decisions: list[float] = []
        super().__init__(plan, team)

    def _next_job(self) -> Job | None:
        began = time.perf_counter()
        job = super()._next_job()
        self.decisions.append(1000 * (time.perf_counter() - began))
        return job


def trained(job: Job) -> SegmentFinished:
    """Return what a training might come to: lowest at a rate of 0.01 and a width of 64, with some noise."""
    off = abs(math.log10(float(job.settings["lr"])) + 2) + 0.3 * abs(math.log2(float(job.settings["width"]) / 64))
    noise = np.random.default_rng(job.seed).random()
    loss = 0.2 + 2 * math.exp(-(job.index + 1) / (1 + 4 * off)) + 0.1 * off + 0.02 * noise
    after = Measurement({"loss": loss}, 0.9 * loss, steps=100, examples=6400, epochs=1.0, seconds=1.0)
    before = Measurement({"loss": 2.3}, math.nan) if job.parent is None else None
    return SegmentFinished(Node(job, f"{job.node:064x}", before, after, Goal().error(after.metrics)))


def grown(most: int, sizes: Sequence[int]) -> dict[int, tuple[list[float], list[float]]]:
    """Return milliseconds of decisions, and of all that the core does with a segment, at each of ``sizes`` segments."""
    team = TimedTeam(
        recruit("pilot", SPACE, seed=0),
        name="pilot",
        space=SPACE,
        goal=Goal(),
        reward=resolve("best"),
        adviser=adviser("pilot", SPACE),
    )
    core = TimedCore(Plan(SPACE, Budget(segments=most), HORIZON, 0), team)
    core.receive(WorkersChanged(1))
    whole: list[float] = []
    while core.jobs:
        event = trained(next(iter(core.jobs.values())))
        began = time.perf_counter()
        core.receive(event)
        whole.append(1000 * (time.perf_counter() - began))
    return {size: (core.decisions[size - WINDOW : size], whole[size - WINDOW : size]) for size in sizes}


def asked(trials: int, repeats: int) -> list[float]:
    """Return the milliseconds in which Optuna's TPE asks for and suggests the settings of one more trial."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    rng = np.random.default_rng(0)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "lr": optuna.distributions.FloatDistribution(1e-5, 1.0, log=True),
        "weight_decay": optuna.distributions.FloatDistribution(1e-6, 0.3, log=True),
        "batch_size": optuna.distributions.IntDistribution(16, 256, log=True),
        "dropout": optuna.distributions.FloatDistribution(0.0, 0.6),
        "width": optuna.distributions.IntDistribution(16, 128, log=True),
    }
    starts = [SPACE.decode(rng.random(SPACE.width)) for _ in range(trials)]
    study.add_trials(
        [optuna.create_trial(params=dict(start), distributions=distributions, value=float(rng.random())) for start in starts]
    )
    found: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        study.ask(distributions)
        found.append(1000 * (time.perf_counter() - began))
    return found


class Sleeping:
    """A task whose segments last as long as its net is wide."""

    goal = Goal()

    def check(self, space: tt.Space) -> None:
        del space

    def start(self, settings: tt.Settings, *, seed: int) -> list[float]:
        del settings
        return [float(seed % 1000), 0.0]

    def measure(self, state: list[float]) -> Measurement:
        return Measurement({"loss": 2.3 - 0.0 * state[0]}, math.nan)

    def advance(self, state: list[float], segment: Segment, *, progress: Progress = lambda: None) -> Measurement:
        began = time.perf_counter()
        share = math.log(float(segment.settings["width"]) / 16) / math.log(8)
        time.sleep(SHORTEST * (LONGEST / SHORTEST) ** share)
        progress()
        state[1] += 1
        off = abs(math.log10(float(segment.settings["lr"])) + 2)
        loss = 0.2 + 2 * math.exp(-state[1] / (1 + 4 * off)) + 0.1 * off
        return Measurement({"loss": loss}, loss, steps=1, examples=1, seconds=time.perf_counter() - began)

    def evaluate(self, state: list[float], split: Split) -> Mapping[str, float]:
        del state, split
        return {"loss": 1.0}

    def encode(self, state: list[float]) -> bytes:
        return save({"state": np.array(state)})

    def decode(self, checkpoint: bytes) -> list[float]:
        return load(checkpoint)["state"].tolist()

    def fingerprint(self) -> str:
        return "sleeping"


class Watch:
    """A logger that notes when each segment was committed."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def recall(self, events: Sequence[object]) -> None:
        del events

    def receive(self, event: object) -> None:
        if isinstance(event, SegmentFinished):
            self.ends.append(time.perf_counter())

    def close(self) -> None:
        pass


def busy(segments: int, seed: int, folder: Path) -> tuple[float, float]:
    """Return the share of the time of two workers that was spent in segments, and the longest over the shortest of these.

    From the first commit to the last but one: before and after that there is no work for both.
    """
    watch = Watch()
    study = tt.Study(
        Sleeping(),
        SPACE,
        budget=tt.Budget(segments=segments),
        horizon=6,
        workers=2,
        store=folder / f"busy-{seed}.db",
        loggers=[watch],
        seed=seed,
    )
    nodes = list(study.run().tree)
    began, ended = watch.ends[0], watch.ends[-2]
    worked = 0.0
    for node, end in zip(nodes, watch.ends, strict=True):
        begin = end - node.after.seconds
        worked += max(0.0, min(end, ended) - max(begin, began))
    lengths = [node.after.seconds for node in nodes]
    return worked / (2 * (ended - began)), max(lengths) / min(lengths)


def measure(arguments: argparse.Namespace) -> Measured:
    """Grow a study, ask Optuna, and let two workers sleep."""
    many = 2000 if arguments.quick else MANY
    at = grown(many, (FEW, many))
    peer = asked(many, 20)
    with tempfile.TemporaryDirectory() as name:
        shares = [busy(40, seed, Path(name)) for seed in range(1 if arguments.quick else 5)]
    decisions, few = at[many][0], at[FEW][0]
    typical, early = float(np.median(decisions)), float(np.median(few))
    low, high = interval(decisions)
    optuna_typical, all_many, all_few = (float(np.median(each)) for each in (peer, at[many][1], at[FEW][1]))
    kept = [share for share, _ in shares]
    lines = [
        Headline(
            f"decision milliseconds at {many:,} nodes",
            typical,
            "Optuna's TPE there",
            optuna_typical,
            typical / optuna_typical,
            seeds=WINDOW,
        ),
        Headline(f"decision at {many:,} nodes over that at {FEW}", typical / early, low=low / early, high=high / early),
        Headline(
            "all that follows a segment, milliseconds", all_many, f"at {FEW} nodes", all_few, all_many / all_few, seeds=WINDOW
        ),
        Headline("workers busy", float(np.median(kept)), low=min(kept), high=max(kept), seeds=len(kept), better="higher"),
    ]
    worst = {str(size): [float(np.quantile(each, 0.99)) for each in pair] for size, pair in at.items()}
    return lines, {"99th percentiles (decision, all)": worst, "longest over shortest segment": [ratio for _, ratio in shares]}


if __name__ == "__main__":
    run("study_scale", measure)
