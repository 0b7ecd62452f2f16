"""What trimtab adds to a training: a study with one worker beside a bare PyTorch loop with the same steps and evaluations."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import trimtab as tt
from benchmarks.results import Headline, Measured, interval, run
from examples.digits import DEFAULT, build_model, load_splits
from trimtab.agents import Agent
from trimtab.store import open_journal
from trimtab.store.records import Choice, Node, SegmentFinished
from trimtab.study.core import Core, Plan
from trimtab.study.recruit import adviser, recruit
from trimtab.study.team import Team

HORIZON = 10
SPACE = tt.Space(lr=tt.Float(1e-4, 1e-2, log=True), weight_decay=tt.Float(1e-6, 1e-2, log=True))
"""Knobs that leave the cost of a step as it is, so that both train the same steps."""
BATCH = 64


def bare(epochs: int, seed: int) -> float:
    """Return the seconds of a loop as people write it: Adam, cosine, an evaluation before and after every segment."""
    train, validation, _ = load_splits(seed)
    (x, y), (x_validation, y_validation) = train.tensors, validation.tensors
    began = time.perf_counter()
    torch.manual_seed(seed)
    model = build_model(DEFAULT)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps = HORIZON * epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss_of = nn.CrossEntropyLoss()
    evaluate(model, x_validation, y_validation)
    for _ in range(HORIZON):
        model.train()
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for start in range(0, len(x), BATCH):
                picked = order[start : start + BATCH]
                optimizer.zero_grad()
                loss = loss_of(model(x[picked]), y[picked])
                loss.backward()
                optimizer.step()
                schedule.step()
        evaluate(model, x_validation, y_validation)
    return time.perf_counter() - began


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return loss and error, as a loop would print them."""
    model.eval()
    output = model(x)
    return nn.functional.cross_entropy(output, y).item(), (output.argmax(1) != y).float().mean().item()


def tuned(epochs: int, seed: int, folder: Path) -> float:
    """Return the seconds of a study of one run with the same steps: decisions, learning, checkpoints and commits included."""
    train, validation, test = load_splits(seed)
    held = {name: DEFAULT[name] for name in ("batch_size", "dropout", "optimizer")}
    task = tt.TorchTask(
        build=lambda _: build_model(DEFAULT),
        train=train, validation=validation, test=test, segment=f"{epochs} epochs", defaults=held,
    )  # fmt: skip
    study = tt.Study(
        task,
        SPACE,
        budget=tt.Budget(segments=HORIZON),
        horizon=HORIZON,
        seed=seed,
        store=f"sqlite:///{folder}/{seed}-{time.time()}.db",
    )
    began = time.perf_counter()
    study.run()
    return time.perf_counter() - began


def epochs_a_second(seed: int) -> int:
    """Return how many epochs make a segment of about one second."""
    bare(1, seed)
    return max(1, round(HORIZON / bare(1, seed)))


def decisions_and_commits(folder: Path) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each decision, and of each commit, of a real study fed again to a fresh core and journal."""
    from examples.digits import SPACE as WHOLE
    from examples.digits import study

    url = f"sqlite:///{folder}/real.db"
    tuned_study = study(0, budget=tt.Budget(segments=60), horizon=6, store=url)
    events = tuned_study.run().events
    name = str(tuned_study.agent)
    agent, told = recruit(name, WHOLE, seed=0), adviser(name, WHOLE)
    team = TimedTeam(agent, name=name, space=WHOLE, goal=tuned_study.task.goal, reward=tuned_study.reward, adviser=told)
    core = Core(Plan(WHOLE, tuned_study.budget, 6, 0, tuned_study.start), team)
    journal = open_journal(f"sqlite:///{folder}/again.db", "study")
    commits: list[float] = []
    for event in events:
        core.receive(event)
        began = time.perf_counter()
        journal.append([event])
        if isinstance(event, SegmentFinished):
            commits.append(1000 * (time.perf_counter() - began))
    return team.milliseconds, commits


class TimedTeam(Team):
    """A team whose decisions are timed."""

    def __init__(self, agent: Agent, **named: Any) -> None:
        super().__init__(agent, **named)
        self.milliseconds: list[float] = []

    def decide(self, path: Sequence[Node], **named: Any) -> tuple[tt.Settings, Choice]:
        """Decide, and note how long it took."""
        began = time.perf_counter()
        decided = super().decide(path, **named)
        self.milliseconds.append(1000 * (time.perf_counter() - began))
        return decided


def measure(arguments: argparse.Namespace) -> Measured:
    """Time both in turn."""
    torch.set_num_threads(1)
    pairs = 3 if arguments.quick else 15
    epochs = epochs_a_second(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        decisions, commits = decisions_and_commits(folder)
        timed = []
        for seed in range(pairs):
            first = tuned(epochs, seed, folder) if seed % 2 else None
            loop = bare(epochs, seed)
            timed.append((first or tuned(epochs, seed, folder), loop))
    ratios = [ours / loop for ours, loop in timed]
    seconds = np.median(np.array(timed), axis=0)
    ratio = float(np.median(ratios))
    return [
        Headline("study wall time ratio", ratio, "bare PyTorch loop, seconds", seconds[1], ratio, *interval(ratios), pairs),
        Headline("decision milliseconds", float(np.median(decisions)), "", *_none(), *interval(decisions), len(decisions)),
        Headline("commit milliseconds", float(np.median(commits)), "", *_none(), *interval(commits), len(commits)),
    ], {"seconds": timed, "decisions": decisions, "commits": commits, "epochs_a_segment": epochs}


def _none() -> tuple[float, float]:
    return float("nan"), float("nan")


if __name__ == "__main__":
    run("overhead", measure)
