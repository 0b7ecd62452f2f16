"""Exported schedules: twenty trainings that a Pilot steered, made again by the plain PyTorch code that it leaves."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

import trimtab as tt
from benchmarks.pilot_suite import recipes
from benchmarks.pilot_suite.recipes import Kind
from benchmarks.pilot_suite.steering import build_optimizer
from benchmarks.pilot_suite.task import Data, Task
from benchmarks.pilot_suite.tasks import DEVELOPMENT, TASKS
from benchmarks.pilot_suite.training import batches, mean_loss, settle
from benchmarks.results import Headline, Measured, run

RUNS = 20
TOLERANCE = 1e-6
Ends = Callable[[float, float], object]
"""Called after each segment with its train and validation loss."""


def measure(arguments: argparse.Namespace) -> Measured:
    """Steer each training, write its schedule, follow that from the same weights, and compare the last losses."""
    settle()
    wanted = list(product(DEVELOPMENT, recipes.KINDS))[: 3 if arguments.quick else RUNS]
    apart: dict[str, float] = {}
    went_back = 0
    for name, kind in wanted:
        task = TASKS[name]
        data = task.data()
        pilots: list[tt.Pilot] = []

        def fly(_: nn.Module, optimizer: Optimizer, pilots: list[tt.Pilot] = pilots, task: Task = task) -> Ends:
            pilot = tt.Pilot(optimizer, horizon=task.horizon)
            pilots.append(pilot)
            return lambda train, validation: pilot.step(train_loss=train, validation_loss=validation)

        steered = trained(task, kind, data, fly)
        code: dict[str, Any] = {"__name__": "schedule"}
        exec(pilots[0].export(), code)  # what a user would import

        def follow(model: nn.Module, optimizer: Optimizer, code: dict[str, Any] = code) -> Ends:
            schedule = code["schedule_for"](optimizer, model)
            return lambda train, validation: schedule.step()  # noqa: ARG005  # it needs no losses

        followed = trained(task, kind, data, follow)
        apart[f"{name} {kind}"] = abs(followed / steered - 1.0)
        went_back += any(entry.event in ("went back", "diverged", "ended at the best") for entry in pilots[0].history)
        print(f"{name} {kind}: {steered:.6g} and {followed:.6g}", flush=True)
    differ = sum(value > TOLERANCE for value in apart.values())
    return [
        Headline("exported schedules that end elsewhere", differ, "all", len(apart), differ / len(apart), seeds=1),
        Headline("largest relative difference", max(apart.values()), seeds=len(apart)),
    ], {"differences": apart, "runs that went back": went_back}


def trained(task: Task, kind: Kind, data: Data, steer: Callable[[nn.Module, Optimizer], Ends]) -> float:
    """Return the final validation loss of a training from the weights and the data order of seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = task.build(0)
        optimizer = build_optimizer(recipes.cosine(kind), model, task.steps)
        ends, rows = steer(model, optimizer), batches(len(data.train.x), task.batch_size, 0)
        for _ in range(task.horizon):
            model.train()
            total = 0.0
            for _ in range(task.segment_steps):
                index = next(rows)
                loss = task.loss.function(model(data.train.x[index]), data.train.y[index])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() / task.segment_steps
            ends(total, mean_loss(task, model, data.validation))
        return mean_loss(task, model, data.validation)


if __name__ == "__main__":
    run("pilot_faithful", measure)
