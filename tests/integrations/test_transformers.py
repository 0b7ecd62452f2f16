"""Hugging Face's Trainer steered by a callback: segments, going on from a checkpoint, and what it refuses."""

import importlib
import math
import sys

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

pytest.importorskip("accelerate")
pytest.importorskip("transformers")

from transformers import Trainer, TrainingArguments, set_seed

from trimtab.errors import MissingExtraError, PilotError
from trimtab.integrations.transformers import PilotCallback

pytestmark = pytest.mark.filterwarnings("ignore")
EPOCHS = 4
STEPS = 10 * EPOCHS


class Digits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def split(part):
    pixels, labels = load_digits(return_X_y=True)
    pixels = torch.tensor(pixels[part] / 16, dtype=torch.float32)
    return [{"x": x, "labels": label} for x, label in zip(pixels, labels[part].tolist(), strict=True)]


def trained(folder, callback, resume=None, **options):
    set_seed(0)
    given = {
        "num_train_epochs": EPOCHS, "eval_strategy": "epoch", "save_strategy": "epoch", "logging_steps": 5,
        "learning_rate": 1e-6, "warmup_steps": 5,
    }  # fmt: skip
    arguments = TrainingArguments(
        str(folder), per_device_train_batch_size=64, per_device_eval_batch_size=300, report_to=[], disable_tqdm=True,
        use_cpu=True, **{**given, **options},
    )  # fmt: skip
    data = {"train_dataset": split(slice(None, 600)), "eval_dataset": split(slice(600, 900))}
    trainer = Trainer(Digits(), arguments, callbacks=[callback], **data)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def ends(callback):
    return [entry for entry in callback.pilot.history if entry.look == "segment"]


def test_a_segment_is_an_evaluation_and_the_run_is_steered(tmp_path):
    callback = PilotCallback(given=False)
    trainer = trained(tmp_path, callback)
    assert callback.pilot.horizon == callback.pilot.segment == len(ends(callback)) == EPOCHS
    told = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert [entry.validation_loss for entry in ends(callback)] == pytest.approx(told)
    assert 0 < ends(callback)[-1].train_loss < ends(callback)[0].train_loss
    assert told[-1] < 0.5
    # its own evaluations are none of the training's
    trainer.evaluate()
    assert callback.pilot.segment == EPOCHS


def test_fine_tuning_starts_from_the_given_rate(tmp_path):
    callback = PilotCallback(policy=None)
    trained(tmp_path, callback, learning_rate=1e-3)
    assert ends(callback)[0].rate == pytest.approx(1e-3 * (1 - 1.5 / EPOCHS))


@pytest.mark.parametrize(
    ("options", "segments"),
    [
        ({"eval_strategy": "steps", "eval_steps": 8, "save_strategy": "no"}, STEPS // 8),
        ({"eval_strategy": "no", "save_strategy": "no"}, STEPS // 5),
        ({"max_steps": 12, "eval_strategy": "steps", "eval_steps": 6, "save_strategy": "no", "eval_on_start": True}, 2),
        ({"load_best_model_at_end": True, "lr_scheduler_type": "cosine"}, EPOCHS),
        ({"gradient_accumulation_steps": 2}, EPOCHS),
    ],
)
def test_the_horizon_is_what_the_arguments_make(tmp_path, options, segments):
    callback = PilotCallback(given=False)
    trained(tmp_path, callback, **options)
    assert callback.pilot.horizon == callback.pilot.segment == segments
    assert math.isnan(ends(callback)[-1].validation_loss) == (options.get("eval_strategy") == "no")


def test_a_run_goes_on_exactly_from_a_checkpoint(tmp_path):
    whole, again = PilotCallback(given=False), PilotCallback(given=False)
    first = trained(tmp_path, whole)
    second = trained(tmp_path, again, resume=str(tmp_path / "checkpoint-20"))
    assert repr(again.pilot.history) == repr(whole.pilot.history)
    torch.testing.assert_close(second.model.state_dict(), first.model.state_dict(), rtol=0, atol=0)


def test_what_it_cannot_steer_is_refused(tmp_path):
    with pytest.raises(PilotError, match=r"lr_scheduler_type: expected one that is a LambdaLR, .* got ReduceLROnPlateau"):
        trained(tmp_path, PilotCallback(), lr_scheduler_type="reduce_lr_on_plateau")
    with pytest.raises(PilotError, match=r"monitor: expected a loss of the evaluation \(.*eval_loss.*\), got 'loss'"):
        trained(tmp_path, PilotCallback("loss"))


def test_a_checkpoint_without_a_pilot_is_gone_on_from_with_a_warning(tmp_path, caplog):
    trained(tmp_path, PilotCallback(given=False))
    (tmp_path / "checkpoint-20" / "pilot.pt").unlink()
    again = PilotCallback(given=False)
    trained(tmp_path, again, resume=str(tmp_path / "checkpoint-20"))
    assert "checkpoint-20/pilot.pt: no such file; the Pilot begins anew" in caplog.text
    assert again.pilot.segment == EPOCHS - 2


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.delitem(sys.modules, "trimtab.integrations.transformers")
    with pytest.raises(MissingExtraError, match=r"pip install 'trimtab\[transformers\]'"):
        importlib.import_module("trimtab.integrations.transformers")
