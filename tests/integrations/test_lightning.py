"""Lightning's Trainer steered by a callback: segments, going on from a checkpoint, and what it refuses."""

import importlib
import math
import sys
import warnings

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

pytest.importorskip("lightning")

import lightning as L

from trimtab.errors import MissingExtraError, PilotError
from trimtab.integrations.lightning import PilotCallback

EPOCHS = 4


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Digits(L.LightningModule):
    def __init__(self, scheduler: bool = False) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
        self.scheduler = scheduler

    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch, index):
        self.log("val_loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-6)
        if self.scheduler:
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]
        return optimizer


class Unvalidated(Digits):
    validation_step = None


def loaders():
    pixels, labels = load_digits(return_X_y=True)
    pixels, labels = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
    return [DataLoader(TensorDataset(pixels[part], labels[part]), 64) for part in (slice(None, 600), slice(600, 900))]


def fitted(folder, callback, model=None, **options):
    """Return the trainer and the module; ``ckpt_path`` among the options goes to ``fit``."""
    path = options.pop("ckpt_path", None)
    L.seed_everything(0, verbose=False)
    model = model or Digits()
    given = {"max_epochs": EPOCHS, "accelerator": "cpu", **options}
    trainer = L.Trainer(
        callbacks=[callback, *given.pop("callbacks", [])], logger=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=folder, num_sanity_val_steps=2, **given,
    )  # fmt: skip
    trainer.fit(model, *loaders(), ckpt_path=path)
    return trainer, model


def test_a_segment_is_a_validation_and_the_run_is_steered(tmp_path):
    callback = PilotCallback()
    trainer, _ = fitted(tmp_path, callback)
    ends = [entry for entry in callback.pilot.history if entry.look == "segment"]
    assert callback.pilot.horizon == callback.pilot.segment == len(ends) == EPOCHS
    assert ends[-1].validation_loss == pytest.approx(float(trainer.callback_metrics["val_loss"]))
    assert 0 < ends[-1].train_loss < ends[0].train_loss
    # from a rate of 10⁻⁶
    assert ends[-1].validation_loss < 0.5


@pytest.mark.parametrize(
    ("options", "segments"),
    [
        ({"val_check_interval": 0.5}, 2 * EPOCHS),
        ({"check_val_every_n_epoch": 2}, EPOCHS // 2),
        ({"max_epochs": -1, "max_steps": 20}, 2),
        ({"accumulate_grad_batches": 4}, EPOCHS),
        ({"check_val_every_n_epoch": None, "val_check_interval": 8}, 5),
    ],
)
def test_the_horizon_is_what_the_trainer_is_going_to_validate(tmp_path, options, segments):
    callback = PilotCallback()
    fitted(tmp_path, callback, **options)
    assert callback.pilot.horizon == callback.pilot.segment == segments


def test_without_validation_it_is_steered_by_the_train_loss(tmp_path):
    callback = PilotCallback()
    fitted(tmp_path, callback, Unvalidated())
    assert callback.pilot.segment == EPOCHS
    assert math.isnan(callback.pilot.history[-1].validation_loss)


def test_a_run_goes_on_exactly_from_a_checkpoint(tmp_path):
    kept = L.pytorch.callbacks.ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    whole, again, longer = PilotCallback(), PilotCallback(), PilotCallback()
    _, model = fitted(tmp_path, whole, callbacks=[kept])
    _, resumed = fitted(tmp_path, again, ckpt_path=tmp_path / "epoch=1.ckpt")
    assert repr(again.pilot.history) == repr(whole.pilot.history)
    torch.testing.assert_close(resumed.state_dict(), model.state_dict(), rtol=0, atol=0)
    fitted(tmp_path, longer, ckpt_path=tmp_path / "epoch=1.ckpt", max_epochs=EPOCHS + 2)
    assert longer.pilot.horizon == longer.pilot.segment == EPOCHS + 2
    assert repr(longer.pilot.history[:4]) == repr(whole.pilot.history[:4])


def test_what_it_cannot_steer_is_refused(tmp_path):
    with pytest.raises(PilotError, match=r"expected no scheduler beside a PilotCallback, got StepLR"):
        fitted(tmp_path, PilotCallback(), Digits(scheduler=True))
    with pytest.raises(
        PilotError, match=r"monitor: expected the name of a loss that validation_step logs \(val_loss\), got 'loss'"
    ):
        fitted(tmp_path, PilotCallback("loss"))
    with pytest.raises(PilotError, match=r"horizon: expected the number of segments"):
        fitted(tmp_path, PilotCallback(), max_epochs=-1)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "trimtab.integrations.lightning")
    with pytest.raises(MissingExtraError, match=r"pip install 'trimtab\[lightning\]'"):
        importlib.import_module("trimtab.integrations.lightning")
