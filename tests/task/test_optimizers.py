import itertools
import math

import pytest
import torch
from torch import nn

from trimtab.errors import TaskError
from trimtab.task.optimizers import KINDS, configure, kind_of, make_optimizer, set_rate
from trimtab.task.switch import Moments, change_optimizer, read_moments, switch_optimizer, write_moments


def weights(*values):
    return nn.Parameter(torch.tensor(values))


def stepped(kind, gradients, **settings):
    """Return an optimizer of ``kind`` after one step for each of ``gradients``, and its weight."""
    parameter = weights(1.0, -2.0)
    optimizer = make_optimizer(kind, [{"params": [parameter]}], settings)
    set_rate(optimizer, 1e-3)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return optimizer, parameter


def test_a_kind_without_settings_is_torchs_own_default():
    for kind, made in KINDS.items():
        optimizer, default = make_optimizer(kind, [{"params": [weights(1.0)]}], {}), made.factory([weights(1.0)])
        names = set(default.defaults) - {"lr"}
        assert {name: optimizer.param_groups[0][name] for name in names} == {name: default.defaults[name] for name in names}
        assert kind_of(optimizer) == kind


def test_groups_keep_their_own_multipliers():
    groups = [{"params": [weights(1.0)]}, {"params": [weights(1.0)], "lr_multiplier": 0.1, "weight_decay_multiplier": 0.0}]
    optimizer = make_optimizer("adamw", groups, {"weight_decay": 0.5, "beta1": 0.8})
    set_rate(optimizer, 0.2)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.2, 0.02])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]
    assert [group["betas"] for group in optimizer.param_groups] == [(0.8, 0.999)] * 2


def test_a_change_of_momentum_keeps_the_mean_of_the_gradients():
    optimizer, parameter = stepped("sgd", [[1.0, 2.0]] * 3, momentum=0.5)
    assert optimizer.state[parameter]["momentum_buffer"].tolist() == [1.75, 3.5]
    configure(optimizer, "sgd", {"momentum": 0.75})
    assert optimizer.state[parameter]["momentum_buffer"].tolist() == [3.5, 7.0]
    configure(optimizer, "sgd", {"momentum": 0.0})
    assert "momentum_buffer" not in optimizer.state[parameter]


def test_rmsprop_takes_up_momentum_in_mid_run():
    optimizer, parameter = stepped("rmsprop", [[1.0, 2.0]])
    configure(optimizer, "rmsprop", {"momentum": 0.9})
    parameter.grad = torch.ones(2)
    optimizer.step()
    assert torch.isfinite(parameter).all()


def test_adam_and_adamw_hand_over_all_they_know():
    optimizer, parameter = stepped("adam", [[1.0, -2.0], [0.5, 3.0]])
    before = {name: value.clone() for name, value in optimizer.state[parameter].items()}
    after = switch_optimizer(optimizer, before="adam", after="adamw", settings={}).state[parameter]
    assert after["step"] == before["step"]
    for name in ("exp_avg", "exp_avg_sq"):
        torch.testing.assert_close(after[name], before[name])


def test_momentum_becomes_adams_mean_and_the_next_step_is_bounded():
    optimizer, parameter = stepped("sgd", [[1.0, 2.0]] * 4, momentum=0.5)
    # buffer 1.875 × gradient, times (1 - 0.5)
    assert read_moments("sgd", optimizer.state[parameter], optimizer.param_groups[0]).mean.tolist() == [0.9375, 1.875]
    adam = switch_optimizer(optimizer, before="sgd", after="adam", settings={})
    assert adam.state[parameter]["exp_avg"].tolist() == pytest.approx([0.09375, 0.1875])
    before = parameter.detach().clone()
    set_rate(adam, 0.01)
    parameter.grad = torch.tensor([-3.0, 0.001])
    adam.step()
    assert float((parameter.detach() - before).abs().max()) <= 0.01 * math.sqrt(2)


def test_adams_mean_becomes_momentum():
    optimizer, parameter = stepped("adam", [[2.0, -1.0]] * 5)
    sgd = switch_optimizer(optimizer, before="adam", after="sgd", settings={"momentum": 0.9})
    # a constant gradient g has the mean g, and momentum 0.9 sums up to 10 g
    torch.testing.assert_close(sgd.state[parameter]["momentum_buffer"], torch.tensor([20.0, -10.0]))


def test_mean_squares_pass_between_adam_rmsprop_and_adagrad():
    gradients = [[2.0, -1.0]] * 5
    for before, after in itertools.permutations(("adam", "rmsprop", "adagrad", "nadam", "radam", "adamax"), 2):
        optimizer, parameter = stepped(before, gradients)
        switched = switch_optimizer(optimizer, before=before, after=after, settings={})
        moments = read_moments(after, switched.state[parameter], switched.param_groups[0])
        factor = 1.0 / (1.0 - 0.99**5) if after == "rmsprop" else 1.0  # RMSprop's average is used with its bias
        torch.testing.assert_close(moments.square, factor * torch.tensor([4.0, 1.0]))


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(KINDS, 2)))
def test_every_switch_goes_on_with_finite_steps_of_the_right_size(before, after):
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(12, 2, generator=generator).tolist()
    optimizer, parameter = stepped(before, gradients, momentum=0.9)
    switched = change_optimizer(optimizer, before=before, after=after, settings={"momentum": 0.9})
    start = parameter.detach().clone()
    set_rate(switched, 1e-3)
    for gradient in torch.randn(5, 2, generator=generator).tolist():
        parameter.grad = torch.tensor(gradient)
        switched.step()
    assert 0 < float((parameter.detach() - start).norm()) < 0.1


def test_what_knows_nothing_hands_over_nothing():
    optimizer = make_optimizer("adam", [{"params": [weights(1.0)]}], {})
    assert not switch_optimizer(optimizer, before="adam", after="rmsprop", settings={}).state
    plain, _ = stepped("sgd", [[1.0, 1.0]])
    assert not switch_optimizer(plain, before="sgd", after="adam", settings={}).state


def test_nadam_gets_the_product_of_its_momenta():
    optimizer, parameter = stepped("nadam", [[1.0, 1.0]] * 7)
    group = optimizer.param_groups[0]
    state = write_moments("nadam", Moments(torch.ones(2), torch.ones(2), 7), group)
    torch.testing.assert_close(state["mu_product"], optimizer.state[parameter]["mu_product"])


def test_an_optimizer_of_no_known_kind_is_named():
    with pytest.raises(TaskError, match="expected one of sgd"):
        kind_of(torch.optim.LBFGS([weights(1.0)]))
