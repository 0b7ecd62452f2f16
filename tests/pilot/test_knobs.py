"""What a Pilot moves beyond the optimizer's own: dropout, label smoothing, batch size, anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import trimtab as tt
from trimtab.errors import PilotError

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(256, 6, generator=GENERATOR)
Y = (X[:, 0] * X[:, 1] > 0).long()


class Loop:
    """A classifier with dropout, a loss that smooths labels and a loader whose batch size may change."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2), nn.Dropout(0.1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        data = TensorDataset(X[:192], Y[:192])
        order = torch.Generator().manual_seed(0)
        self.loader = tt.LiveLoader(data, batch_size=16, bounds=(8, 64), shuffle=True, generator=order)
        self.strength = 0.5

    def knobs(self) -> dict[str, object]:
        noise = tt.Knob(lambda: self.strength, lambda value: setattr(self, "strength", value), bounds=(0.1, 1.0), log=True)
        return {"dropout": self.model, "label_smoothing": self.criterion, "batch_size": self.loader, "noise": noise}

    def fly(self, pilot: tt.Pilot, segments: int) -> list[int]:
        steps: list[int] = []
        for _ in range(segments):
            self.model.train()
            steps.append(0)
            for x, y in self.loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(x + self.strength * torch.randn_like(x)), y)
                loss.backward()
                self.optimizer.step()
                steps[-1] += 1
            self.model.eval()
            with torch.no_grad():
                validation = nn.functional.cross_entropy(self.model(X[192:]), Y[192:])
            pilot.step(train_loss=loss.item(), validation_loss=validation)
        return steps

    def settings(self) -> dict[str, float]:
        return {
            "dropout": self.model[2].p,
            "label_smoothing": self.criterion.label_smoothing,
            "batch_size": self.loader.live_batch_size,
            "noise": self.strength,
        }


def wild(pilot: tt.Pilot) -> tt.Pilot:
    """Return ``pilot`` with a policy that moves whatever it may."""
    policy, decide = pilot.policy, pilot.policy.decide
    turns = iter(range(1000))

    class Wild:
        def decide(self, observation, masks):
            from dataclasses import replace

            from trimtab.policy.levers import KEEP

            turn = next(turns)
            verdict = decide(observation, masks)
            # never back: what is tested is that settings change
            free = [mask.nonzero()[0] for mask in masks[:-1]]
            action = tuple(int(moves[turn % len(moves)]) for moves in free)
            return replace(verdict, action=(KEEP[0], *action[1:], 0))

    assert policy
    pilot.policy = Wild()
    return pilot


def test_knobs_are_moved_told_and_kept_within_their_bounds() -> None:
    loop = Loop()
    pilot = wild(tt.Pilot(loop.optimizer, horizon=10, momentum=True, **loop.knobs()))
    loop.fly(pilot, 10)
    names = {"weight_decay", "momentum", "dropout", "label_smoothing", "batch_size", "noise"}
    assert all(set(entry.settings) == names for entry in pilot.history)
    for name in names:
        assert len({round(entry.settings[name], 9) for entry in pilot.history}) > 1, name
    last = pilot.history[-1].settings
    assert {name: last[name] for name in loop.settings()} == pytest.approx(loop.settings())
    assert loop.optimizer.param_groups[0]["momentum"] == pytest.approx(last["momentum"])
    assert all(8 <= entry.settings["batch_size"] <= 64 for entry in pilot.history)
    assert loop.model[4].p == pytest.approx(loop.model[2].p / 2)


def test_the_policy_flies_with_all_knobs() -> None:
    loop = Loop()
    pilot = tt.Pilot(loop.optimizer, horizon=4, momentum=True, **loop.knobs())
    loop.fly(pilot, 4)
    assert len(pilot.history) >= 6


def test_a_run_with_knobs_that_is_loaded_goes_on_where_it_was() -> None:
    loop = Loop()
    pilot = wild(tt.Pilot(loop.optimizer, horizon=10, **loop.knobs()))
    loop.fly(pilot, 5)
    other = Loop()
    resumed = tt.Pilot(other.optimizer, horizon=10, **other.knobs())
    resumed.load_state_dict(pilot.state_dict())
    assert other.settings() == pytest.approx(loop.settings())


def test_the_exported_schedule_sets_the_knobs() -> None:
    loop, other = Loop(), Loop()
    pilot = wild(tt.Pilot(loop.optimizer, horizon=4, **loop.knobs()))
    loop.fly(pilot, 4)
    names: dict = {}
    exec(pilot.export(), names)
    followed: dict[str, float] = {}
    knobs = {name: lambda value, name=name: followed.update({name: value}) for name in loop.settings()}
    schedule = names["schedule_for"](other.optimizer, other.model, **knobs)
    for _ in range(4):
        schedule.step()
    assert followed == pytest.approx(loop.settings())
    with pytest.raises(ValueError, match="knobs: expected a function for each of batch_size, dropout"):
        names["schedule_for"](other.optimizer, other.model)


def test_a_knob_that_refuses_is_left_alone_and_the_run_goes_on() -> None:
    loop = Loop()
    value = 0.5

    def set_value(new: float) -> None:
        if new != 0.5:
            raise RuntimeError("stuck")

    stuck = tt.Knob(lambda: value, set_value, bounds=(0.0, 1.0))
    pilot = wild(tt.Pilot(loop.optimizer, horizon=6, stuck=stuck))
    with pytest.warns(UserWarning, match=r"stuck: its setter refused .*stuck.*left at 0\.5") as told:
        loop.fly(pilot, 6)
    assert len(told) == 1
    assert len([entry for entry in pilot.history if entry.look == "segment"]) == 6
    assert "stuck" not in pilot.history[-1].settings


def test_a_knob_with_a_name_keeps_to_its_own_bounds() -> None:
    loop, values = Loop(), {"dropout": 0.15}
    narrow = tt.Knob(lambda: values["dropout"], lambda value: values.update(dropout=value), bounds=(0.1, 0.2))
    pilot = wild(tt.Pilot(loop.optimizer, horizon=8, dropout=narrow))
    loop.fly(pilot, 8)
    told = {round(entry.settings["dropout"], 6) for entry in pilot.history}
    assert len(told) > 1
    assert min(told) >= 0.1
    assert max(told) <= 0.2


def test_a_knob_that_was_given_up_stays_so_when_the_run_is_loaded() -> None:
    loop, value = Loop(), 0.5

    def refuse(new: float) -> None:
        if new != value:
            raise RuntimeError("stuck")

    stuck = tt.Knob(lambda: value, refuse, bounds=(0.0, 1.0))
    pilot = wild(tt.Pilot(loop.optimizer, horizon=6, stuck=stuck))
    with pytest.warns(UserWarning, match="stuck"):
        loop.fly(pilot, 3)
    resumed = tt.Pilot(Loop().optimizer, horizon=6, stuck=stuck)
    resumed.load_state_dict(pilot.state_dict())
    assert "stuck" not in resumed.controls.settings()


def test_a_live_loader_changes_its_batches_from_the_next_epoch_on() -> None:
    loader = tt.LiveLoader(TensorDataset(X), batch_size=16, bounds=(8, 64))
    assert len(list(loader)) == len(loader) == 16
    loader.set_batch_size(64)
    assert [len(batch[0]) for batch in loader] == [64] * 4


OPTIMIZER = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tt.Pilot(OPTIMIZER, 3, dropout=nn.Linear(2, 1)), r"dropout: expected a model with a module that drops units"),
        (lambda: tt.Pilot(OPTIMIZER, 3, dropout=0.3), r"dropout: expected a model or a Knob, got 0\.3"),
        (lambda: tt.Pilot(OPTIMIZER, 3, label_smoothing=nn.MSELoss()), r"label_smoothing: expected a loss with label_smoothing"),
        (lambda: tt.Pilot(OPTIMIZER, 3, batch_size=64), r"batch_size: expected a Knob, or a LiveLoader"),
        (lambda: tt.Pilot(OPTIMIZER, 3, a=tt.Knob(lambda: 2.0, print, bounds=(0.0, 1.0))), r"a: expected its value .*in \[0, 1\], got 2"),
        (lambda: tt.Pilot(OPTIMIZER, 3, a=tt.Knob(lambda: 0.5, print, bounds=(1.0, 0.0))), r"a: expected bounds from low to high"),
        (lambda: tt.Pilot(OPTIMIZER, 3, a=tt.Knob(lambda: 0.5, print, bounds=(0.0, 1.0), log=True)), r"a: .*above 0"),
        (lambda: tt.Pilot(OPTIMIZER, 3, a=tt.Knob(lambda: 1 / 0, print, bounds=(0.0, 1.0))), r"a: its getter or its setter refused"),
        (lambda: tt.LiveLoader([1, 2], batch_size=1, bounds=(2, 4)), r"batch_size: .*\[2, 4\], got 1"),
        (lambda: tt.LiveLoader([1, 2], batch_size=2, bounds=(4, 2)), r"bounds: "),
    ],
)  # fmt: skip
def test_bad_knobs_are_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(PilotError, match=message):
        call()
