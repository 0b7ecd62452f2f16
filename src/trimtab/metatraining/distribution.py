"""The trainings that a policy learns on, drawn at random: what is learned, by what model, how and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from torch import nn

from trimtab.metatraining import models
from trimtab.metatraining.problems import BY_FORM, Form, Problem
from trimtab.metatraining.trainings import Draws
from trimtab.metatraining.update import KINDS
from trimtab.policy.levers import LEVERS, TORCH_BETAS

SETS = 8
"""Trainings in a course, each on a data set of its own."""

FORMS: dict[Form, float] = {"vector": 0.55, "image": 0.13, "tokens": 0.17, "pairs": 0.08, "sequence": 0.07}
"""How often each form of data is drawn."""

COST: dict[Form, float] = {"vector": 1.0, "image": 0.4, "tokens": 0.5, "pairs": 1.0, "sequence": 0.5}
"""What share of a vector course's steps a course of this form has: a step of it costs more."""

NORMS: tuple[models.Norm, ...] = ("none", "none", "layer", "batch")
UNNAMED = 0.25
"""In how many trainings one of the levers is told as a knob of which nothing is known but where it stands."""
_ADAPTIVE = (0.9, 0.9, 0.9, 0.8, 0.95, 0.5)
_HEAVY = (0.9, 0.9, 0.9, 0.95, 0.8, 0.0)


@dataclass(frozen=True, slots=True)
class Course:
    """N trainings to be steered together, for ``horizon`` segments of ``steps`` steps.

    Of each: the ``values`` of the levers that it starts with and which of them may be moved (``has``), both (N, levers);
    ``alias``, (N,): which lever is moved by the one that is told as any knob, where that may be moved; whether its loss before
    the first step (``start_known``) and its validation loss (``validated``) are told, whether it may go back (``has_back``),
    and whether its rate was ``given`` to start from and not to be found.
    """

    build: Callable[[], nn.Module]
    problem: Problem
    draws: Draws
    horizon: int
    steps: int
    values: np.ndarray
    has: np.ndarray
    alias: np.ndarray
    start_known: np.ndarray
    validated: np.ndarray
    has_back: np.ndarray
    given: np.ndarray

    def take(self, rows: np.ndarray) -> Course:
        """Return the course of the trainings ``rows``, (n,), each as often as it is named there."""
        draws = Draws(**{name: values[rows] for name, values in asdict(self.draws).items()})
        of_each = ("values", "has", "alias", "start_known", "validated", "has_back", "given")
        return replace(self, draws=draws, **{name: getattr(self, name)[rows] for name in of_each})

    @property
    def name(self) -> str:
        """Problem and model in a few words."""
        model = self.build.func.__name__ if isinstance(self.build, partial) else "model"
        return f"{self.problem.name}, {model}, {self.horizon} × {self.steps}"


def draw(rng: np.random.Generator, *, longest: int = 300) -> Course:
    """Return a course of SETS trainings with at most ``longest`` segments."""
    form = rng.choice(np.array(list(FORMS)), p=np.array(list(FORMS.values())))
    kinds = BY_FORM[form]
    problem = kinds[int(rng.integers(len(kinds)))](rng, SETS)
    horizon = _log_uniform(rng, 10, longest if rng.random() < 0.15 else min(50, longest))
    total = COST[form] * _log_uniform(rng, 200, 2000)
    steps = max(3, min(80, int(total / horizon)))
    draws = _draws(rng, largest=64 if COST[form] == 1.0 else 32)
    of_each = {**_levers(rng, draws.kinds, labels=problem.loss != "mse"), **_told(rng)}
    return Course(_model(rng, problem), problem, draws, horizon, steps, **of_each)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> int:
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _draws(rng: np.random.Generator, *, largest: int) -> Draws:
    kinds = rng.choice(len(KINDS), size=SETS, p=(0.32, 0.24, 0.3, 0.08, 0.06))
    largest = min(largest, int(rng.choice([8, 16, 16, 32, 32, 64])))
    return Draws(
        sets=np.arange(SETS),
        kinds=kinds,
        batch=largest // rng.choice([1, 1, 1, 2, 4], size=SETS),
        beta2=np.full(SETS, TORCH_BETAS[1]),
        nesterov=np.zeros(SETS, dtype=bool),
        balanced=np.zeros(SETS, dtype=bool),
        seeds=rng.integers(2**31, size=SETS),
    )


def _levers(rng: np.random.Generator, kinds: np.ndarray, *, labels: bool) -> dict[str, np.ndarray]:
    """Return the levers' values, which may be moved, and what is behind the knob of which nothing is known."""
    count = len(kinds)
    drops, smooths = rng.random() < 0.35, labels and rng.random() < 0.35
    values = np.stack(
        [
            10.0 ** rng.uniform(-5.5, 0.5, count),
            np.where(rng.random(count) < 0.5, 0.0, 10.0 ** rng.uniform(-5, -1, count)),
            np.where(kinds == 0, rng.choice(_HEAVY, size=count), rng.choice(_ADAPTIVE, size=count)),
            drops * rng.uniform(0.0, 0.5, count) * (rng.random(count) < 0.6),
            smooths * rng.uniform(0.0, 0.2, count) * (rng.random(count) < 0.6),
            np.zeros(count),
        ],
        1,
    )
    chance = np.array([1.0, 0.7, 0.3, 0.6 * drops, 0.6 * smooths, 0.0])
    has = rng.random((count, len(LEVERS))) < chance
    has[:, 2] &= kinds <= KINDS.index("adamw")
    alias = np.zeros(count, dtype=int)
    for row in np.flatnonzero(rng.random(count) < UNNAMED):
        mine = np.flatnonzero(has[row, 1:-1]) + 1
        if len(mine):
            lever = alias[row] = int(rng.choice(mine))
            has[row, lever], has[row, -1] = False, True
            values[row, -1] = float(LEVERS[lever].position(values[row, lever]))
    return {"values": values, "has": has, "alias": alias}


def _told(rng: np.random.Generator) -> dict[str, np.ndarray]:
    chances = {"start_known": 0.6, "validated": 0.85, "has_back": 0.6, "given": 0.1}
    return {name: rng.random(SETS) < chance for name, chance in chances.items()}


def _model(rng: np.random.Generator, problem: Problem) -> Callable[[], nn.Module]:
    activation = str(rng.choice(list(models.ACTIVATIONS), p=(0.4, 0.2, 0.15, 0.15, 0.1)))
    norm = NORMS[int(rng.integers(len(NORMS)))]
    shape = problem.inputs.shape[2:]
    match problem.form:
        case "vector":
            return partial(_mlp(rng, activation, norm), int(np.prod(shape)), problem.outputs)
        case "image" if rng.random() < 0.7:
            width, depth = int(rng.choice([6, 8, 12])), int(rng.integers(1, 4))
            given = {"width": width, "depth": depth, "activation": activation, "norm": norm}
            return partial(models.ConvNet, shape[0], shape[1], problem.outputs, **given)
        case "image":
            return partial(_mlp(rng, activation, norm), int(np.prod(shape)), problem.outputs)
        case "tokens":
            return _token_model(rng, problem, activation, norm)
        case "pairs":
            given = {"width": int(rng.choice([4, 8, 16])), "depth": int(rng.choice([0, 0, 1, 2]))}
            spread = float(10.0 ** rng.uniform(-2, 0))
            return partial(models.Factorisation, *problem.tokens, activation=activation, spread=spread, **given)
        case "sequence":
            if rng.random() < 0.5:
                return partial(models.Recurrent, shape[1], problem.outputs, width=int(rng.choice([6, 8, 12])))
            return partial(_mlp(rng, activation, norm), int(np.prod(shape)), problem.outputs)


def _mlp(rng: np.random.Generator, activation: str, norm: models.Norm) -> Callable[..., nn.Module]:
    return partial(
        models.MLP,
        width=int(rng.choice([12, 16, 24, 32, 48, 64])),
        depth=int(rng.choice([0, 1, 1, 2, 2, 3, 4])),
        activation=activation,
        norm=norm,
        residual=bool(rng.random() < 0.3),
    )


def _token_model(rng: np.random.Generator, problem: Problem, activation: str, norm: models.Norm) -> Callable[[], nn.Module]:
    width, depth = int(rng.choice([8, 12, 16])), int(rng.integers(1, 3))
    causal = problem.loss == "next_token"
    if causal or rng.random() < 0.4:
        given = {"width": width, "depth": depth, "activation": activation, "norm_first": bool(rng.random() < 0.8)}
        length = problem.inputs.shape[2]
        return partial(models.Attention, problem.tokens[0], length, problem.outputs, causal=causal, **given)
    given = {"width": width, "depth": depth - 1, "activation": activation, "norm": norm}
    return partial(models.BagOfEmbeddings, problem.tokens[0], problem.outputs, **given)
