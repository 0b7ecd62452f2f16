"""What a Pilot costs beside the training that it steers, and what many nets at a time save beside one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

import trimtab as tt
from benchmarks.results import Headline, interval
from trimtab.metatraining.models import MLP
from trimtab.metatraining.problems import Problem
from trimtab.metatraining.trainings import Draws, Trainings
from trimtab.metatraining.update import KINDS
from trimtab.policy.levers import LEVERS, MOMENTUM
from trimtab.policy.policy import Policy

NETS = 256
WIDTH, OUTPUTS, BATCH, EXAMPLES = 64, 10, 64, 2048
SEGMENTS = 6


def headlines(*, quick: bool) -> list[Headline]:
    """Return the figures of cost, each a median of paired measurements in turn."""
    repeats = 3 if quick else 9
    return [_net_steps(repeats), *_overhead(repeats)]


def _net_steps(repeats: int) -> Headline:
    """Return net-steps a second, many nets at a time over one at a time: Adam on nets of 64-64-64-10, batches of 64."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(1, EXAMPLES + BATCH, WIDTH)).astype(np.float32)
    targets = rng.integers(OUTPUTS, size=(1, EXAMPLES + BATCH))
    problem = Problem("noise", "vector", "cross_entropy", inputs, targets, OUTPUTS, BATCH)
    build = partial(MLP, WIDTH, OUTPUTS, width=WIDTH, depth=2, activation="relu")
    zeros = np.zeros(NETS, dtype=int)
    kinds, beta2 = zeros + KINDS.index("adam"), zeros + 0.999
    draws = Draws(
        sets=zeros, kinds=kinds, batch=zeros + BATCH, beta2=beta2, nesterov=zeros > 0, balanced=zeros > 0, seeds=np.arange(NETS)
    )
    together = Trainings(build, problem, draws, seed=0)
    together.set(np.tile([0.9 if lever is MOMENTUM else 0.0 for lever in LEVERS], (NETS, 1)))
    rate = np.full(NETS, 1e-3)
    together.advance(2, rate, look="early")
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.from_numpy(inputs[0]), torch.from_numpy(targets[0])
    many, single = [], []
    for _ in range(repeats):
        began = time.perf_counter()
        together.advance(10, rate, look="early")
        many.append(NETS * 10 / (time.perf_counter() - began))
        single.append(_one_at_a_time(model, optimizer, x, y, 200))
    ratios = [a / b for a, b in zip(many, single, strict=True)]
    value, peer, ratio = (float(np.median(each)) for each in (many, single, ratios))
    return Headline("net-steps ratio", value, "one net at a time", peer, ratio, *interval(ratios), repeats, "higher")


def _one_at_a_time(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor, steps: int) -> float:
    order = torch.randperm(EXAMPLES)
    began = time.perf_counter()
    for step in range(steps):
        start = (step * BATCH) % EXAMPLES
        index = order[start : start + BATCH]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[index], None), y[index]).backward()
        optimizer.step()
    return steps / (time.perf_counter() - began)


def _overhead(repeats: int) -> list[Headline]:
    """Return what a Pilot costs in a training of a million weights with segments of 1 s.

    By the time that is spent in it, which noise of the machine changes little; and by the time of the same training without it.
    """
    torch.manual_seed(0)
    x, y = torch.randn(2048, 512), torch.randint(OUTPUTS, (2048,))
    steps = max(10, round(1.0 / _training(x, y, steps=20, segments=1, steered=False)[0] * 20))
    runs = [
        (
            _training(x, y, steps=steps, segments=SEGMENTS, steered=True),
            _training(x, y, steps=steps, segments=SEGMENTS, steered=False),
        )
        for _ in range(repeats)
    ]
    ratios = [seconds / (seconds - inside) for (seconds, inside), _ in runs]
    pairs = [seconds / without for (seconds, _), (without, _) in runs]
    without = float(np.median([seconds for _, (seconds, _) in runs]))
    decisions = _decisions()
    loads: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        Policy.load()
        loads.append(1e3 * (time.perf_counter() - began))
    found = {"step overhead ratio": ratios, "step overhead ratio by pairs of runs": pairs}
    return [
        *(
            Headline(
                name, float(np.median(each)), "without it, seconds", without, float(np.median(each)), *interval(each), repeats
            )
            for name, each in found.items()
        ),
        Headline(
            "decision milliseconds",
            float(np.median(decisions)),
            low=float(np.quantile(decisions, 0.025)),
            high=float(np.quantile(decisions, 0.975)),
            seeds=len(decisions),
        ),
        Headline("policy load milliseconds", float(np.median(loads)), seeds=len(loads)),
    ]


def _training(x: torch.Tensor, y: torch.Tensor, *, steps: int, segments: int, steered: bool) -> tuple[float, float]:
    """Return the seconds of a training, and those of them that were spent in the Pilot's hooks and its step."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, OUTPUTS))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    clock = _Clock()
    began = time.perf_counter()
    end: Callable[..., object] = dict
    if steered:
        pilot = clock.around(lambda: tt.Pilot(optimizer, horizon=segments))()
        for hooks in (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks):  # noqa: SLF001
            hooks.update({number: clock.around(hook) for number, hook in hooks.items()})
        end = clock.around(pilot.step)
    for _ in range(segments):
        loss = torch.zeros(())
        for step in range(steps):
            start = (step * BATCH) % len(x)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[start : start + BATCH]), y[start : start + BATCH])
            loss.backward()
            optimizer.step()
        end(train_loss=loss.item())
    return time.perf_counter() - began, clock.seconds


class _Clock:
    """Adds up the seconds that calls take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def _decisions() -> list[float]:
    """Return the milliseconds of each of many decisions of the shipped policy: from an observation to a verdict."""
    from trimtab.policy.levers import HEADS
    from trimtab.policy.sight import FEATURES

    policy = Policy.load()
    rng = np.random.default_rng(0)
    masks = [np.ones(moves, dtype=bool) for moves in HEADS]
    found: list[float] = []
    for _ in range(300):
        observation = rng.normal(size=len(FEATURES)).astype(np.float32)
        began = time.perf_counter()
        policy.decide(observation, masks)
        found.append(1e3 * (time.perf_counter() - began))
    return found
