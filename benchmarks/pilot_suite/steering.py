"""How each method moves the learning rate: one object a method, called before each step and after each segment."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer

from benchmarks.pilot_suite.recipes import Recipe
from benchmarks.pilot_suite.sources import package

STABLE_UNTIL = 0.8


class Steering(Protocol):
    """``before`` is called with the step's number, ``after`` with the losses of a segment."""

    def start(self, validation_loss: float) -> None: ...
    def before(self, step: int) -> None: ...
    def after(self, train_loss: float, validation_loss: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The rate is ``rate`` times a factor of the step."""

    optimizer: Optimizer
    rate: float
    factor: Callable[[int], float]

    def start(self, validation_loss: float) -> None:
        pass

    def before(self, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * self.factor(step)

    def after(self, train_loss: float, validation_loss: float) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Plateau:
    """``ReduceLROnPlateau`` as torch has it, told the validation loss of each segment."""

    scheduler: torch.optim.lr_scheduler.ReduceLROnPlateau

    def start(self, validation_loss: float) -> None:
        pass

    def before(self, step: int) -> None:
        pass

    def after(self, train_loss: float, validation_loss: float) -> None:  # noqa: ARG002  # as the others
        self.scheduler.step(validation_loss)


@dataclass(frozen=True, slots=True)
class OneCycle:
    """``OneCycleLR`` as torch has it, a call a step."""

    scheduler: torch.optim.lr_scheduler.OneCycleLR

    def start(self, validation_loss: float) -> None:
        pass

    def before(self, step: int) -> None:
        if step:
            self.scheduler.step()

    def after(self, train_loss: float, validation_loss: float) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Piloted:
    """A Pilot as a user would have it."""

    pilot: Any

    def start(self, validation_loss: float) -> None:
        self.pilot.start(validation_loss=validation_loss)

    def before(self, step: int) -> None:
        pass

    def after(self, train_loss: float, validation_loss: float) -> None:
        self.pilot.step(train_loss=train_loss, validation_loss=validation_loss)


def warmed_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Return the factor that rises linearly over a share of the steps and then falls to 0 as a cosine."""
    rising = round(steps * warmup)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(steps - rising, 1)))

    return factor


def warmed_stable_decay(steps: int, warmup: float) -> Callable[[int], float]:
    """Return the factor that rises linearly, stays, and over the last fifth falls linearly to 0. Hu et al. 2024."""
    rising, falling = round(steps * warmup), round(steps * STABLE_UNTIL)

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / max(rising, 1), (steps - step) / (steps - falling))

    return factor


def build_optimizer(recipe: Recipe, model: nn.Module, steps: int) -> Optimizer:
    """Return the optimizer of a recipe, with the documented defaults where the recipe says nothing."""
    weights, kind = list(model.parameters()), recipe.optimizer
    if recipe.method == "schedule-free":
        free = package("schedulefree")
        variant = free.SGDScheduleFree if kind == "sgd" else free.AdamWScheduleFree
        return variant(weights, lr=recipe.rate, warmup_steps=round(steps * recipe.warmup))
    if recipe.method == "prodigy":
        return package("prodigyopt").Prodigy(weights, lr=recipe.rate, safeguard_warmup=True)
    if recipe.method == "d-adaptation":
        adaptive = package("dadaptation")
        if kind == "sgd":
            return adaptive.DAdaptSGD(weights, lr=recipe.rate, momentum=0.9)
        # it greets on the standard output
        with contextlib.redirect_stdout(io.StringIO()):
            return adaptive.DAdaptAdam(weights, lr=recipe.rate, weight_decay=recipe.weight_decay, decouple=kind == "adamw")
    rate, decay = recipe.rate or 1e-3, recipe.weight_decay
    if kind == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=decay, fused=True)
    make = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
    return make(weights, lr=rate, weight_decay=decay, fused=True)


def build_steering(recipe: Recipe, optimizer: Optimizer, steps: int, horizon: int, pilot: Mapping[str, Any]) -> Steering:
    """Return what steers a run of so many steps and segments. ``pilot``: options of a Pilot."""
    schedulers, method = torch.optim.lr_scheduler, recipe.method
    if method == "pilot":
        return Piloted(package("trimtab").Pilot(optimizer, horizon=horizon, **pilot))
    if method == "plateau":
        return Plateau(schedulers.ReduceLROnPlateau(optimizer))
    if method == "onecycle":
        return OneCycle(schedulers.OneCycleLR(optimizer, max_lr=recipe.rate, total_steps=steps))
    factors: dict[str, Callable[[int], float]] = {
        "cosine": warmed_cosine(steps, recipe.warmup),
        "d-adaptation": warmed_cosine(steps, recipe.warmup),
        # its authors advise cosine over all steps; no warm-up, as it warms up by itself
        "prodigy": warmed_cosine(steps, 0.0),
        "wsd": warmed_stable_decay(steps, recipe.warmup),
    }
    return Scheduled(optimizer, recipe.rate, factors.get(method, lambda _: 1.0))
