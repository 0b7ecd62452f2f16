"""Many trainings at a time give what each would give alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from trimtab.metatraining import models
from trimtab.metatraining.problems import BY_FORM, LOSSES, Problem, chains, ratings, series, taught_classes, taught_images
from trimtab.metatraining.trainings import Draws, Trainings
from trimtab.metatraining.update import KINDS, Moments, Update
from trimtab.pilot.balance import Balance
from trimtab.policy.levers import LEVERS
from trimtab.policy.rules import BALANCE, ramp

OPTIMIZERS = {
    "sgd": lambda weights, lr, decay: torch.optim.SGD(weights, lr=lr, momentum=0.9, weight_decay=decay),
    "nesterov": lambda weights, lr, decay: torch.optim.SGD(weights, lr=lr, momentum=0.9, weight_decay=decay, nesterov=True),
    "adam": lambda weights, lr, decay: torch.optim.Adam(weights, lr=lr, weight_decay=decay),
    "adamw": lambda weights, lr, decay: torch.optim.AdamW(weights, lr=lr, weight_decay=decay),
    "rmsprop": lambda weights, lr, decay: torch.optim.RMSprop(weights, lr=lr, weight_decay=decay),
    "adagrad": lambda weights, lr, decay: torch.optim.Adagrad(weights, lr=lr, weight_decay=decay),
}


def draws(count: int, *, batch: int = 16) -> Draws:
    return Draws(
        sets=np.arange(count) % 2,
        kinds=np.arange(count) % len(KINDS),
        batch=np.full(count, batch),
        beta2=np.full(count, 0.999),
        nesterov=np.zeros(count, dtype=bool),
        balanced=np.zeros(count, dtype=bool),
        seeds=np.arange(count) + 5,
    )


def levers(count: int, **values: float) -> np.ndarray:
    """The levers of ``count`` trainings: momentum 0.9, all else 0, but for ``values``."""
    row = [{"momentum": 0.9, **values}.get(lever.name, 0.0) for lever in LEVERS]
    return np.tile(row, (count, 1))


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_an_update_makes_the_steps_of_torch(kind: str, decay: float) -> None:
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(3, 7, generator=generator)
    rates = torch.tensor([1e-3, 1e-2, 1e-1])
    alone = [start[row].clone().requires_grad_() for row in range(3)]
    optimizers = [OPTIMIZERS[kind]([weight], float(rate), decay) for weight, rate in zip(alone, rates, strict=True)]
    weights, moments = start.clone(), Moments.zeros(start)
    number = KINDS.index("sgd" if kind == "nesterov" else kind)
    update = Update(
        torch.full((3,), number), torch.full((3,), 0.9), torch.full((3,), 0.999), torch.full((3,), kind == "nesterov")
    )
    for _ in range(12):
        gradient = torch.randn(3, 7, generator=generator)
        for row, optimizer in enumerate(optimizers):
            alone[row].grad = gradient[row].clone()
            optimizer.step()
        update(weights, gradient.clone(), moments, rates, torch.full((3,), decay))
    torch.testing.assert_close(weights, torch.stack([weight.detach() for weight in alone]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_step_is_foretold(kind: str) -> None:
    weight = torch.randn(20, requires_grad=True)
    gradient = torch.randn(20)
    gradient[:5] = 0.0
    before = weight.detach().clone()
    weight.grad = gradient.clone()
    OPTIMIZERS[kind]([weight], 0.01, 0.0).step()
    update = Update(torch.tensor([KINDS.index(kind)]), torch.tensor([0.9]), torch.tensor([0.999]), torch.tensor([False]))
    told = update.first_step(gradient[None], torch.tensor([0.01]))
    torch.testing.assert_close(told[0], (weight.detach() - before).norm(), rtol=1e-3, atol=0.0)


MODELS = {
    "mlp": (taught_classes, lambda p: partial(models.MLP, p.inputs.shape[2], p.outputs, width=9, depth=2, activation="gelu", norm="layer", residual=True)),
    "batch norm": (taught_classes, lambda p: partial(models.MLP, p.inputs.shape[2], p.outputs, width=8, depth=1, activation="relu", norm="batch")),
    "convolutions": (taught_images, lambda p: partial(models.ConvNet, 1, 8, 1, width=4, depth=2, activation="silu", norm="layer")),
    "attention": (chains, lambda p: partial(models.Attention, p.tokens[0], p.inputs.shape[2], p.outputs, width=8, depth=1, activation="relu", causal=True)),
    "factorisation": (ratings, lambda p: partial(models.Factorisation, *p.tokens, width=4, depth=0, activation="relu", spread=0.1)),
    "recurrent": (series, lambda p: partial(models.Recurrent, 1, p.outputs, width=5)),
}  # fmt: skip


def problem_of(draw, seed: int = 3) -> Problem:
    return draw(np.random.default_rng(seed), 2)


@pytest.mark.parametrize("name", MODELS)
def test_trainings_together_follow_the_path_of_each_alone(name: str) -> None:
    draw, builder = MODELS[name]
    problem = problem_of(draw)
    build = builder(problem)
    given = draws(5)
    trainings = Trainings(build, problem, given, seed=0)
    trainings.set(levers(5, weight_decay=1e-3, label_smoothing=0.1))
    batches: list[torch.Tensor] = []
    drawn = trainings._next
    trainings._next = lambda: batches.append(drawn()) or batches[-1]  # type: ignore[method-assign]  # the order of the data is needed
    signals = trainings.advance(12, np.full(5, 3e-3), look="segment")
    for row in range(5):
        torch.manual_seed(int(given.seeds[row]))
        model = build()
        optimizer = OPTIMIZERS[KINDS[given.kinds[row]]](model.parameters(), 3e-3, 1e-3)
        loss = alone(model, optimizer, problem, int(given.sets[row]), [batch[row] for batch in batches])
        flat = torch.cat([weight.detach().reshape(-1) for weight in model.parameters()])
        if name not in (
            "batch norm",
            "attention",
        ):  # whose biases have no gradient but rounding errors: Adam makes steps of them
            torch.testing.assert_close(trainings.nets.weights[row], flat, rtol=2e-3, atol=2e-4)
        assert signals.validation_loss[row] == pytest.approx(validation(model, problem, int(given.sets[row])), rel=2e-3)
        assert signals.train_loss[row] == pytest.approx(loss, rel=1e-3)


def alone(
    model: nn.Module, optimizer: torch.optim.Optimizer, problem: Problem, which: int, batches: list[torch.Tensor]
) -> float:
    inputs, targets = torch.from_numpy(problem.inputs[which]), torch.from_numpy(problem.targets[which])
    total = 0.0
    rate = optimizer.param_groups[0]["lr"]
    for step, index in enumerate(batches):
        optimizer.param_groups[0]["lr"] = rate * ramp(step)
        loss = LOSSES[problem.loss](model(inputs[index], None), targets[index], torch.tensor(0.1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


def test_balanced_trainings_follow_the_path_of_each_alone() -> None:
    draw, builder = MODELS["mlp"]
    problem = problem_of(draw)
    build = builder(problem)
    given = replace(draws(5), kinds=np.zeros(5, dtype=int), balanced=np.arange(5) > 0)
    trainings = Trainings(build, problem, given, seed=0)
    trainings.set(levers(5, label_smoothing=0.1))
    batches: list[torch.Tensor] = []
    drawn = trainings._next
    trainings._next = lambda: batches.append(drawn()) or batches[-1]  # type: ignore[method-assign]  # the order of the data is needed
    trainings.advance(30, np.full(5, 3e-3), look="segment")
    for row in range(5):
        torch.manual_seed(int(given.seeds[row]))
        model = build()
        optimizer = OPTIMIZERS["sgd"](model.parameters(), 3e-3, 0.0)
        if row > 0:
            optimizer.register_step_pre_hook(Balance(list(model.parameters()), beta=BALANCE))
        alone(model, optimizer, problem, int(given.sets[row]), [batch[row] for batch in batches])
        flat = torch.cat([weight.detach().reshape(-1) for weight in model.parameters()])
        torch.testing.assert_close(trainings.nets.weights[row], flat, rtol=2e-3, atol=2e-4)


@torch.no_grad()
def validation(model: nn.Module, problem: Problem, which: int) -> float:
    inputs, targets = (torch.from_numpy(part[which, problem.validation]) for part in (problem.inputs, problem.targets))
    return LOSSES[problem.loss](model(inputs, None), targets, None).mean().item()


def test_a_smaller_batch_counts_its_own_examples_only() -> None:
    problem = problem_of(taught_classes)
    build = partial(models.MLP, problem.inputs.shape[2], problem.outputs, width=8, depth=1, activation="relu")
    given = draws(2)
    mixed = Draws(
        given.sets * 0, given.kinds * 0, np.array([4, 16]), given.beta2, given.nesterov, given.balanced, given.seeds * 0 + 1
    )
    small = Draws(
        given.sets * 0, given.kinds * 0, np.array([4, 4]), given.beta2, given.nesterov, given.balanced, given.seeds * 0 + 1
    )
    ends = []
    for each in (mixed, small):
        trainings = Trainings(build, problem, each, seed=4)
        trainings.advance(1, np.full(2, 0.1), look="segment")
        ends.append(trainings.nets.weights)
    torch.testing.assert_close(ends[0][0], ends[1][0])
    assert not torch.allclose(ends[0][1], ends[0][0])


def test_going_back_restores_weights_and_optimizer() -> None:
    problem = problem_of(taught_classes)
    build = partial(models.MLP, problem.inputs.shape[2], problem.outputs, width=8, depth=1, activation="relu")
    trainings = Trainings(build, problem, draws(5), seed=0)
    rate = np.full(5, 1e-2)
    trainings.advance(5, rate, look="segment")
    trainings.keep(np.array([True, True, True, False, False]))
    kept, moments = trainings.nets.weights.clone(), trainings.moments.mean.clone()
    trainings.advance(5, rate, look="segment")
    went_on = trainings.nets.weights.clone()
    trainings.go_back(np.array([True, False, False, False, False]))
    assert torch.equal(trainings.nets.weights[0], kept[0])
    assert torch.equal(trainings.moments.mean[0], moments[0])
    assert trainings.moments.steps.tolist() == [5.0, 10.0, 10.0, 10.0, 10.0]
    assert torch.equal(trainings.nets.weights[1:], went_on[1:])


@pytest.mark.parametrize("draw", [draw for kinds in BY_FORM.values() for draw in kinds], ids=lambda draw: draw.__name__)
def test_every_problem_has_data_that_its_loss_can_take(draw) -> None:
    for seed in range(6):
        problem = draw(np.random.default_rng(seed), 3)
        assert problem.examples >= 48
        assert np.isfinite(problem.inputs).all()
        assert np.isfinite(problem.targets).all()
        assert len(problem.inputs) == len(problem.targets) == 3
        if problem.loss != "mse":
            assert problem.targets.min() >= 0
            assert problem.targets.max() < problem.outputs
        for place, size in enumerate(problem.tokens if problem.form == "pairs" else ()):
            assert problem.inputs[..., place].max() < size


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothed_labels_cost_what_torch_says(smoothing: float) -> None:
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
    told = LOSSES["cross_entropy"](logits, labels, torch.tensor(smoothing))
    wanted = nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(told, wanted)
