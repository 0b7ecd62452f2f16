"""A Pilot in a loop as people write it."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import trimtab as tt
from trimtab.errors import PilotError, PolicyError
from trimtab.pilot.memory import buffers_of
from trimtab.policy.levers import BETAS, NAMES, factor
from trimtab.policy.rules import RAMP

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(320, 6, generator=GENERATOR)
Y = (X[:, :1] * X[:, 1:2] + 0.1 * torch.randn(320, 1, generator=GENERATOR)).tanh()


class Loop:
    """A model with batch normalisation, trained by hand on 256 examples and validated on 64."""

    def __init__(
        self, optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None, *, seed: int = 0, lr: float = 0.01
    ) -> None:
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr) if optimizer is None else optimizer(self.model)
        self.order = torch.Generator().manual_seed(seed)

    def train(self) -> float:
        self.model.train()
        total = 0.0
        for index in torch.randperm(256, generator=self.order).split(32):
            self.optimizer.zero_grad()
            loss = (self.model(X[index]) - Y[index]).square().mean()
            loss.backward()
            self.optimizer.step()
            total += loss.item() / 8
        return total

    @torch.no_grad()
    def validate(self) -> float:
        self.model.eval()
        return (self.model(X[256:]) - Y[256:]).square().mean().item()

    def fly(self, pilot: tt.Pilot, segments: int) -> None:
        for _ in range(segments):
            train = self.train()
            pilot.step(train_loss=train, validation_loss=self.validate())

    def weights(self) -> Tensor:
        return torch.cat([value.double().reshape(-1) for value in self.model.state_dict().values()])


@pytest.mark.parametrize("lr", [1e-5, 1e-2, 10.0])
def test_a_run_ends_better_than_it_started_from_any_rate(lr: float) -> None:
    loop = Loop(lr=lr)
    start = loop.validate()
    pilot = tt.Pilot(loop.optimizer, horizon=8)
    pilot.start(validation_loss=start)
    loop.fly(pilot, 8)
    assert loop.validate() < start
    assert pilot.segment == 8


def test_a_run_that_is_stopped_and_loaded_goes_on_bit_for_bit() -> None:
    whole, parts = Loop(), Loop()
    pilot = tt.Pilot(whole.optimizer, horizon=6)
    whole.fly(pilot, 6)
    first = tt.Pilot(parts.optimizer, horizon=6)
    parts.fly(first, 3)
    kept = io.BytesIO()
    torch.save((parts.model.state_dict(), parts.optimizer.state_dict(), first.state_dict(), parts.order.get_state()), kept)
    kept.seek(0)
    saved = torch.load(kept, weights_only=True)
    other = Loop(seed=5)
    second = tt.Pilot(other.optimizer, horizon=6)
    other.model.load_state_dict(saved[0])
    other.optimizer.load_state_dict(saved[1])
    second.load_state_dict(saved[2])
    other.order.set_state(saved[3])
    other.fly(second, 3)
    assert torch.equal(whole.weights(), other.weights())
    assert repr(pilot.history) == repr(second.history)


OPTIMIZERS = {
    "adam": lambda model: torch.optim.Adam(model.parameters(), lr=1.0),
    "adamw": lambda model: torch.optim.AdamW(model.parameters(), lr=1e-5),
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_exported_schedule_gives_the_same_run_without_a_policy(optimizer) -> None:
    flown, followed = Loop(optimizer), Loop(optimizer)
    pilot = tt.Pilot(flown.optimizer, horizon=6)
    flown.fly(pilot, 6)
    source = pilot.export()
    assert "trimtab" not in source.split('"""')[2]
    names: dict = {}
    exec(source, names)
    schedule = names["schedule_for"](followed.optimizer, followed.model)
    for _ in range(6):
        followed.train()
        schedule.step()
    assert flown.validate() == pytest.approx(followed.validate(), abs=1e-6)


def test_what_torchs_defaults_leave_behind_is_set_at_the_start() -> None:
    adam, sgd = Loop(OPTIMIZERS["adam"]), Loop(OPTIMIZERS["sgd"])
    for loop in (adam, sgd):
        loop.fly(tt.Pilot(loop.optimizer, horizon=4), 1)
    group = adam.optimizer.param_groups[0]
    assert group["decoupled_weight_decay"]
    assert group["betas"] == BETAS
    assert sgd.optimizer.param_groups[0]["nesterov"]


def test_there_is_nothing_to_plot_before_the_first_step() -> None:
    with pytest.raises(PilotError, match="plot: expected a run"):
        tt.Pilot(Loop().optimizer, horizon=4).plot()


def test_what_a_user_chose_is_left() -> None:
    chosen = Loop(lambda model: torch.optim.Adam(model.parameters(), lr=0.1, betas=(0.9, 0.95)))
    chosen.fly(tt.Pilot(chosen.optimizer, horizon=4, weight_decay=False), 1)
    group = chosen.optimizer.param_groups[0]
    assert group["betas"] == (0.9, 0.95)
    assert not group["decoupled_weight_decay"]
    other = Loop(lambda model: torch.optim.NAdam(model.parameters(), lr=0.01))
    other.fly(tt.Pilot(other.optimizer, horizon=4), 1)
    assert other.optimizer.param_groups[0]["betas"] == (0.9, 0.999)
    assert not other.optimizer.param_groups[0]["decoupled_weight_decay"]
    meant = Loop(OPTIMIZERS["sgd"])
    meant.fly(tt.Pilot(meant.optimizer, horizon=4, given=True), 1)
    assert not meant.optimizer.param_groups[0]["nesterov"]


def test_groups_keep_their_ratios() -> None:
    def groups(model: nn.Module) -> torch.optim.Optimizer:
        slow = {"params": model[0].parameters(), "lr": 1e-3, "weight_decay": 0.0}
        return torch.optim.AdamW(
            [{"params": [*model[1].parameters(), *model[3].parameters()], "lr": 1e-2}, slow], weight_decay=0.01
        )

    loop = Loop(groups)
    pilot = tt.Pilot(loop.optimizer, horizon=5)
    for _ in range(5):
        loop.fly(pilot, 1)
        first, second = pilot.get_last_lr()
        assert second == pytest.approx(0.1 * first)
        assert loop.optimizer.param_groups[1]["weight_decay"] == 0.0


def test_a_rate_set_by_hand_is_respected_and_seen() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=6)
    loop.fly(pilot, 2)
    before = pilot.get_last_lr()[0]
    loop.optimizer.param_groups[0]["lr"] = before * 1e-3
    loop.fly(pilot, 1)
    assert pilot.history[-1].event == "changed by hand"
    assert pilot.get_last_lr()[0] < 0.2 * before


def test_a_divergence_puts_back_weights_and_running_statistics() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=6)
    loop.fly(pilot, 2)
    rate = pilot.get_last_lr()[0]
    with torch.no_grad():
        loop.model[1].running_mean.fill_(math.nan)
        loop.model[0].weight.fill_(math.inf)
    pilot.step(train_loss=math.nan, validation_loss=math.nan)
    assert pilot.history[-1].event == "diverged"
    assert torch.isfinite(loop.weights()).all()
    assert math.isfinite(loop.validate())
    assert pilot.get_last_lr()[0] < rate


def test_without_a_copy_a_divergence_lowers_the_rate() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=6, back=False)
    loop.fly(pilot, 2)
    rate = pilot.get_last_lr()[0]
    pilot.step(train_loss=1e9, validation_loss=1e9)
    assert pilot.get_last_lr()[0] < rate


class Noisy(Loop):
    """Thirty-two examples whose targets are mostly noise: after a few segments they are only learned by heart."""

    def train(self) -> float:
        self.model.train()
        total = 0.0
        for _ in range(8):
            self.optimizer.zero_grad()
            loss = (self.model(X[:32]) - Y[:32] - NOISE).square().mean()
            loss.backward()
            self.optimizer.step()
            total += loss.item() / 8
        return total


NOISE = torch.randn(32, 1, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("back", [True, False])
def test_a_run_that_overfits_goes_back_to_its_best_at_a_fifth_of_the_rate(back: bool) -> None:
    loop, followed = Noisy(), Noisy()
    pilot = tt.Pilot(loop.optimizer, horizon=15, policy=None, back=back, weight_decay=False)
    best, kept = math.inf, loop.weights()
    for _ in range(15):
        train, validation = loop.train(), loop.validate()
        if validation < best:
            best, kept = validation, loop.weights()
        pilot.step(train_loss=train, validation_loss=validation)
        if pilot.history[-1].event == "overfit":
            break
    assert (pilot.history[-1].event == "overfit") is back
    if not back:
        return
    before, last = pilot.history[-2:]
    assert last.segment - last.best >= 3
    assert last.rate < 0.2 * before.rate
    torch.testing.assert_close(loop.weights(), kept, rtol=0, atol=0)
    loop.fly(pilot, 15 - last.segment)
    names: dict = {}
    exec(pilot.export(), names)
    schedule = names["schedule_for"](followed.optimizer, followed.model)
    for _ in range(15):
        followed.train()
        schedule.step()
    torch.testing.assert_close(followed.weights(), loop.weights(), rtol=0, atol=1e-6)


def test_going_back_is_told_even_where_the_rate_was_changed_by_hand() -> None:
    loop = Noisy()
    pilot = tt.Pilot(loop.optimizer, horizon=15, policy=None, weight_decay=False)
    for _ in range(15):
        train = loop.train()
        loop.optimizer.param_groups[0]["lr"] *= 0.999
        pilot.step(train_loss=train, validation_loss=loop.validate())
    events = [entry.event for entry in pilot.history]
    assert "changed by hand" in events
    assert "overfit" in events


def test_a_run_without_validation_is_steered_by_the_train_loss() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=4)
    for _ in range(4):
        pilot.step(train_loss=torch.tensor(loop.train()))
    assert len([entry for entry in pilot.history if entry.look == "segment"]) == 4
    assert pilot.history[-2].features()["validation known"] == 0.0


def test_the_start_plays_no_part_unless_it_is_given() -> None:
    found = [Loop(lr=lr) for lr in (1e-5, 1e-2, 1.0)]
    for loop in found:
        loop.fly(tt.Pilot(loop.optimizer, horizon=4), 4)
    for loop in found[1:]:
        torch.testing.assert_close(loop.weights(), found[0].weights(), rtol=1e-3, atol=1e-4)
    given = [Loop(lr=lr) for lr in (1e-4, 1e-2)]
    pilots = [tt.Pilot(loop.optimizer, horizon=4, policy=None, given=True) for loop in given]
    for loop, pilot in zip(given, pilots, strict=True):
        loop.fly(pilot, 4)
    assert pilots[0].history[0].rate < 0.1 * pilots[1].history[0].rate


def test_without_a_policy_the_reference_schedule_is_left() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=8, policy=None)
    loop.fly(pilot, 8)
    ends = [entry.rate for entry in pilot.history if entry.look == "segment"][:-1]
    base = pilot.controls.base
    assert ends == pytest.approx([base * factor(segment, 8) for segment in range(1, 8)])


def test_the_rate_rises_over_the_first_steps() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=6, policy=None)
    rates: list[float] = []
    loop.optimizer.register_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    loop.fly(pilot, 4)
    base = pilot.controls.base
    assert rates[:8] == pytest.approx([base * factor(0, 6) * (step + 1) / RAMP for step in range(8)])
    assert rates[RAMP + 4] == pytest.approx(base * factor(3, 6))


def test_losses_below_zero_steer_as_well() -> None:
    plain, lowered = Loop(), Loop()
    pilots = [tt.Pilot(loop.optimizer, horizon=8) for loop in (plain, lowered)]
    plain.fly(pilots[0], 8)
    for _ in range(8):
        train = lowered.train()
        pilots[1].step(train_loss=train - 0.3, validation_loss=lowered.validate() - 0.3)
    assert min(entry.validation_loss for entry in pilots[1].history if entry.look == "segment") < 0
    assert all(np.isfinite(entry.seen).all() for entry in pilots[1].history if entry.seen)
    assert lowered.validate() < 1.5 * plain.validate()
    resumed = tt.Pilot(Loop().optimizer, horizon=8)
    resumed.load_state_dict(pilots[1].state_dict())
    assert resumed.scale.unit == pilots[1].scale.unit > 0


def test_the_horizon_may_be_extended_and_its_end_is_told_once() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=2)
    loop.fly(pilot, 2)
    with pytest.warns(UserWarning, match="horizon of 2 segments is reached"):
        pilot.step(train_loss=1.0, validation_loss=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pilot.step(train_loss=1.0, validation_loss=1.0)
    pilot.horizon = 4
    loop.fly(pilot, 2)
    assert pilot.segment == 4


def test_rates_that_are_tensors_stay_tensors() -> None:
    loop = Loop(lambda model: torch.optim.SGD(model.parameters(), lr=torch.tensor(0.01), momentum=0.9))
    pilot = tt.Pilot(loop.optimizer, horizon=3)
    loop.fly(pilot, 3)
    assert isinstance(loop.optimizer.param_groups[0]["lr"], Tensor)


def test_several_optimizers_of_one_model_are_steered_together() -> None:
    loop = Loop()
    half = torch.optim.SGD(loop.model[0].parameters(), lr=0.02)
    rest = torch.optim.SGD([*loop.model[1].parameters(), *loop.model[3].parameters()], lr=0.01)
    pilot = tt.Pilot([half, rest], horizon=3)
    for _ in range(3):
        for index in torch.arange(256).split(64):
            loss = (loop.model(X[index]) - Y[index]).square().mean()
            loss.backward()
            for optimizer in (half, rest):
                optimizer.step()
                optimizer.zero_grad()
        pilot.step(train_loss=loss.detach())
    first, second = pilot.get_last_lr()
    assert first == pytest.approx(2 * second)


KINDS = pytest.mark.parametrize("kind", [torch.optim.Adam, partial(torch.optim.SGD, momentum=0.9)], ids=["adam", "sgd"])


@KINDS
@pytest.mark.parametrize("fused", [False, True])
def test_scaled_gradients_are_seen_as_they_are(kind: Callable[..., torch.optim.Optimizer], fused: bool) -> None:
    def seen(scale: float) -> list[float]:
        loop = Loop(lambda model: kind(model.parameters(), lr=0.01, fused=fused))
        scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1000)
        pilot = tt.Pilot(loop.optimizer, horizon=2)
        for _ in range(2):
            for index in torch.arange(256).split(64):
                loop.optimizer.zero_grad()
                loss = (loop.model(X[index]) - Y[index]).square().mean()
                scaler.scale(loss).backward()
                scaler.step(loop.optimizer)
                scaler.update()
            pilot.step(train_loss=loss.detach())
        return [*pilot.history[0].seen, *pilot.history[3].seen]

    assert seen(1024.0) == pytest.approx(seen(1.0), abs=0.05)


@KINDS
def test_a_step_with_a_closure_is_the_same_as_one_without(kind: Callable[..., torch.optim.Optimizer]) -> None:
    class Closing(Loop):
        def train(self) -> float:
            self.model.train()
            total = 0.0
            for index in torch.randperm(256, generator=self.order).split(32):

                def closure(index: Tensor = index) -> Tensor:
                    self.optimizer.zero_grad()
                    loss = (self.model(X[index]) - Y[index]).square().mean()
                    loss.backward()
                    return loss

                total += self.optimizer.step(closure).item() / 8
            return total

    ends: list[Tensor] = []
    for loop_of in (Loop, Closing):
        loop = loop_of(lambda model: kind(model.parameters(), lr=0.01))
        pilot = tt.Pilot(loop.optimizer, horizon=4)
        loop.fly(pilot, 4)
        ends.append(loop.weights())
    assert torch.equal(*ends)


def test_accumulated_gradients_count_as_one_step() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=2)
    for count, index in enumerate(torch.arange(256).split(32), start=1):
        loss = (loop.model(X[index]) - Y[index]).square().mean() / 4
        loss.backward()
        if count % 4 == 0:
            loop.optimizer.step()
            loop.optimizer.zero_grad()
    pilot.step(train_loss=4 * loss.detach())
    assert pilot.watch.total == 2


@pytest.mark.slow
def test_a_compiled_step_is_compiled_anew_once_at_most() -> None:
    from torch._dynamo.utils import counters

    loop = Loop()
    step = torch.compile(lambda: loop.optimizer.step())
    torch.compile(lambda x: x + 1)(torch.ones(1))  # loads the compiler, as a compiled model has done by now
    pilot = tt.Pilot(loop.optimizer, horizon=8, weight_decay=False)
    graphs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own
        for _ in range(8):
            for index in torch.arange(256).split(64):
                loop.optimizer.zero_grad()
                loss = (loop.model(X[index]) - Y[index]).square().mean()
                loss.backward()
                step()
            pilot.step(train_loss=loss.detach())
            graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[-1] - graphs[0] <= 1
    assert len({entry.rate for entry in pilot.history}) > 3


def test_what_it_saw_did_and_expected_is_told(caplog) -> None:
    loop = Loop()
    with caplog.at_level(logging.INFO, logger="trimtab.pilot"):
        pilot = tt.Pilot(loop.optimizer, horizon=3)
        loop.fly(pilot, 3)
    assert [entry.look for entry in pilot.history] == ["before", "before", "early", "segment", "segment", "segment"]
    entry = pilot.history[3]
    assert {"lr", "weight_decay", "back"} <= set(entry.values)
    assert set(entry.moves) == set(NAMES)
    assert set(entry.settings) == {"weight_decay"}
    assert math.isfinite(entry.expected)
    assert np.isfinite(list(entry.features().values())).all()
    assert len(caplog.records) == len(pilot.history)
    assert pilot.plot().axes[1].get_ylabel() == "learning rate"


def test_the_buffers_of_a_model_are_found_from_its_weights() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, affine=False))
    other = nn.BatchNorm1d(3)
    found = {id(buffer) for buffer in buffers_of(list(model.parameters()))}
    assert found == {id(buffer) for buffer in model.buffers()}
    assert not found & {id(buffer) for buffer in other.buffers()}


def test_a_second_pilot_watches_its_own_optimizer_only() -> None:
    one, other = Loop(), Loop(seed=1)
    first, second = tt.Pilot(one.optimizer, horizon=3), tt.Pilot(other.optimizer, horizon=3)
    one.fly(first, 2)
    assert second.watch.total == 0
    assert first.watch.total == 16


LINEAR = nn.Linear(2, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.1), horizon=0), r"horizon: .*at least 1, got 0"),
        (lambda: tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.1), horizon=2.5), r"horizon: .*got 2\.5"),
        (lambda: tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.1), 3, balance="no"), "balance: expected True or False, got 'no'"),
        (
            lambda: tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.1), 3, weight_decay=0.01),
            r"weight_decay: expected True or False, got 0\.01; its value belongs into the optimizer",
        ),
        (lambda: tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.0), horizon=3), r"lr above 0"),
        (lambda: tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=float("nan")), horizon=3), r"lr of group 0"),
        (lambda: tt.Pilot([], horizon=3), r"optimizer: "),
        (lambda: tt.Pilot("adam", horizon=3), r"optimizer: .*'adam'"),
        (lambda: flying().step(), r"step: expected train_loss or validation_loss"),
        (lambda: flying().step(train_loss="low"), r"train_loss: expected a number.*'low'"),
        (lambda: flying().step(train_loss=torch.ones(2)), r"train_loss: expected"),
        (lambda: flying().start(validation_loss=math.inf), r"start: expected validation_loss"),
        (lambda: steered_by_validation().step(train_loss=1.0), r"expected validation_loss as at the first call"),
        (lambda: steered_by_validation().start(validation_loss=1.0), r"start: .*before the first step"),
        (lambda: setattr(steered_by_validation(), "horizon", 0), r"horizon: "),
        (lambda: flying().export(), r"export: .*at least one segment"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(PilotError, match=message):
        call()


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="nowhere"):
        tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.1), horizon=3, policy="nowhere")


def flying() -> tt.Pilot:
    return tt.Pilot(torch.optim.SGD(LINEAR.parameters(), lr=0.1), horizon=3)


def steered_by_validation() -> tt.Pilot:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=3)
    loop.fly(pilot, 1)
    return pilot
