"""SGD with a rate of its own for every row of weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import trimtab as tt
from trimtab.pilot.balance import Balance
from trimtab.policy.rules import BALANCE

X, Y = torch.randn(64, 6, generator=torch.manual_seed(0)), torch.randn(64, 1, generator=torch.manual_seed(1))


def trained(balance: bool = True, *, unit: float = 1.0, steps: int = 40) -> tuple[float, list[Tensor]]:
    """Return the last loss and the weights of a net whose two layers have gradients of very different size."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
    with torch.no_grad():
        model[2].weight.mul_(1e-3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    if balance:
        optimizer.register_step_pre_hook(Balance(list(model.parameters()), beta=BALANCE))
    loss = torch.zeros(())
    for _ in range(steps):
        loss = (model(X) - Y).square().mean()
        optimizer.zero_grad()
        (unit * loss).backward()
        optimizer.step()
    return loss.item(), [weight.detach() for weight in model.parameters()]


def test_the_first_step_is_as_long_in_every_row() -> None:
    weights = [torch.randn(5, 4, requires_grad=True), torch.randn(3, requires_grad=True)]
    weights[0].grad = torch.randn(5, 4) * torch.tensor([1e-6, 1e3, 1.0, 1e-3, 7.0])[:, None]
    weights[1].grad = torch.randn(3)
    optimizer = torch.optim.SGD(weights, lr=1.0)
    Balance(weights, beta=BALANCE)(optimizer, (), {})
    torch.testing.assert_close(weights[0].grad.square().mean(1), torch.ones(5))
    torch.testing.assert_close(weights[1].grad.square().mean(), torch.tensor(1.0))


@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_the_unit_of_the_loss_does_not_matter(unit: float) -> None:
    for one, other in zip(trained()[1], trained(unit=unit)[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_gradients_of_a_closure_are_scaled_when_they_are_known() -> None:
    told: list[Tensor] = []
    for closes in (False, True):
        weight = torch.ones(3, 2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        optimizer.register_step_pre_hook(Balance([weight], beta=BALANCE))
        for step in range(5):

            def closure(optimizer=optimizer, weight=weight, step=step) -> Tensor:
                optimizer.zero_grad()
                loss = (weight * (step + 1.0)).sum()
                loss.backward()
                return loss

            if closes:
                assert optimizer.step(closure) is not None
            else:
                closure()
                optimizer.step()
        told.append(weight.detach())
    assert torch.equal(*told)


def test_tensors_without_a_gradient_and_those_that_come_later_are_taken_as_they_are() -> None:
    weights = [torch.ones(4, requires_grad=True), torch.ones(2, requires_grad=True)]
    optimizer = torch.optim.SGD(weights, lr=1.0)
    balance = Balance(weights, beta=BALANCE)
    for step in range(30):
        weights[0].grad = torch.full((4,), 5.0)
        weights[1].grad = torch.full((2,), 0.1) if step > 24 else None
        balance(optimizer, (), {})
    assert weights[1].grad is not None
    torch.testing.assert_close(weights[1].grad, torch.ones(2))
    torch.testing.assert_close(weights[0].grad, torch.ones(4))


def test_gradients_that_are_not_finite_are_forgotten() -> None:
    weight = torch.ones(4, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    balance = Balance([weight], beta=BALANCE)
    for size in (2.0, float("inf"), 2.0):
        weight.grad = torch.full((4,), size)
        balance(optimizer, (), {})
    torch.testing.assert_close(weight.grad, torch.ones(4))


def test_sparse_gradients_are_scaled_as_dense_ones_are() -> None:
    told: list[Tensor] = []
    for sparse in (False, True):
        table = nn.Embedding(50, 4, sparse=sparse)
        optimizer = torch.optim.SGD(table.parameters(), lr=1.0)
        balance = Balance([table.weight], beta=BALANCE)
        for words in ([1, 1, 7], [2], [1, 9, 9]):
            optimizer.zero_grad()
            (table(torch.tensor(words)) * torch.arange(1.0, 5.0)).sum().backward()
            balance(optimizer, (), {})
        gradient = table.weight.grad
        assert gradient is not None
        told.append(gradient.to_dense())
    torch.testing.assert_close(*told)


def test_a_pilot_balances_sgd_unless_it_is_told_not_to_or_the_rate_is_given() -> None:
    def flown(**options: bool) -> int:
        return len(tt.Pilot(torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1), horizon=2, **options).optimizers.balances)

    assert flown() == 1
    assert flown(balance=False) == flown(given=True) == 0
    adam = torch.optim.Adam([nn.Parameter(torch.ones(2))], lr=0.1)
    assert not tt.Pilot(adam, horizon=2).optimizers.balances
