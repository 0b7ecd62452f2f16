"""Lightning: a callback that lets a Pilot steer a ``Trainer``'s run."""

from __future__ import annotations

import math
from typing import Any

import torch

from trimtab.errors import MissingExtraError, PilotError
from trimtab.pilot import Pilot

try:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import Callback
except ImportError:
    raise MissingExtraError("a PilotCallback needs lightning: pip install 'trimtab[lightning]'") from None


class PilotCallback(Callback):
    """Steers the optimizers that ``configure_optimizers`` returns, which must come without schedulers.

    ``monitor``: the name under which ``validation_step`` logs its loss; where nothing is validated, the run is steered by the
    train loss. A segment lasts from one validation to the next (without any, an epoch). ``horizon``: how many there will be;
    None: as many as the trainer's limits make. ``options``: as for ``Pilot``, which is there as ``pilot`` from the first step
    on. Its state is in the trainer's checkpoints, and a run that is resumed from one goes on exactly.
    """

    pilot: Pilot

    def __init__(self, monitor: str = "val_loss", *, horizon: int | None = None, **options: Any) -> None:
        self.monitor, self._horizon, self._options = monitor, horizon, options
        self._state: dict[str, Any] | None = None
        self._total, self._batches = torch.zeros(()), 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the optimizers; their state is already that of a checkpoint, where there is one."""
        if trainer.lr_scheduler_configs:
            names = ", ".join(type(each.scheduler).__name__ for each in trainer.lr_scheduler_configs)
            raise PilotError(f"configure_optimizers: expected no scheduler beside a PilotCallback, got {names}")
        horizon = segments(trainer) if self._horizon is None else self._horizon
        self.pilot = Pilot(trainer.optimizers, horizon, **self._options)
        if self._state is not None:
            self.pilot.load_state_dict(self._state)
            self._state = None
            if horizon != self.pilot.horizon:
                self.pilot.horizon = horizon

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take in a batch's loss, which the trainer has divided by the batches that it accumulates."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor):
            self._total = self._total.to(loss.device) + loss.detach() * trainer.accumulate_grad_batches
            self._batches += 1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End a segment, where it was the training that was validated."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(map(str, trainer.callback_metrics)) or "nothing"
            raise PilotError(f"monitor: expected the name of a loss that validation_step logs ({known}), got {self.monitor!r}")
        self._end(float(trainer.callback_metrics[self.monitor]))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End a segment, where nothing is validated."""
        if not trainer.enable_validation:
            self._end(None)

    def _end(self, validation: float | None) -> None:
        train = float(self._total) / self._batches if self._batches else None
        self._total, self._batches = torch.zeros(()), 0
        # what the Pilot keeps outlives the validation, in which all that is made is fit for inference alone
        with torch.inference_mode(mode=False):
            self.pilot.step(train_loss=train, validation_loss=validation)

    def state_dict(self) -> dict[str, Any]:
        """Return the Pilot's state, and the train losses since the last segment."""
        return {"pilot": self.pilot.state_dict(), "total": float(self._total), "batches": self._batches}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned; the Pilot itself is made when the optimizers are there."""
        self._state = state_dict["pilot"]
        self._total, self._batches = torch.tensor(state_dict["total"]), state_dict["batches"]


def segments(trainer: Trainer) -> int:
    """Return how many segments ``trainer`` is going to make: validations, or epochs where nothing is validated."""
    steps, batches, together = trainer.estimated_stepping_batches, trainer.num_training_batches, trainer.accumulate_grad_batches
    endless = math.isinf(batches)
    if math.isinf(steps) or (endless and not trainer.enable_validation):
        raise PilotError("horizon: expected the number of segments of a run that nothing of the trainer limits, got None")
    epochs = 1 if endless else max(1, math.ceil(steps / math.ceil(batches / together)))
    if not trainer.enable_validation:
        return epochs
    every = trainer.val_check_batch or batches
    if endless or trainer.check_val_every_n_epoch is None:
        return max(1, int(steps * together // every))
    return max(1, epochs // trainer.check_val_every_n_epoch * max(1, int(batches // every)))
