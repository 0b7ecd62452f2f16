"""Transformers: a callback that lets a Pilot steer the run of Hugging Face's ``Trainer``."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from trimtab.errors import MissingExtraError, PilotError
from trimtab.pilot import Pilot

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ImportError:
    raise MissingExtraError("a PilotCallback needs transformers: pip install 'trimtab[transformers]'") from None

log = logging.getLogger(__name__)

FILE = "pilot.pt"
"""In a checkpoint's folder: the Pilot's state."""


class PilotCallback(TrainerCallback):
    """Steers the trainer's optimizer in the place of its scheduler, whatever ``lr_scheduler_type`` says.

    ``monitor``: the loss in the metrics of an evaluation; without evaluations (``eval_strategy="no"``) the run is steered by
    the train loss. A segment lasts from one evaluation to the next (without any, from one log to the next). ``given``: whether
    ``learning_rate`` is right for the weights as they are, as in fine-tuning; say False for a net from scratch. ``horizon``:
    how many segments there will be; None: as many as the arguments make. ``options``: as for ``Pilot``, which is there as
    ``pilot`` from the first step on. Its state is in each checkpoint's folder, and a run that is resumed goes on exactly.
    """

    pilot: Pilot

    def __init__(self, monitor: str = "eval_loss", *, given: bool = True, horizon: int | None = None, **options: Any) -> None:
        self.monitor, self._given, self._horizon, self._options = monitor, given, horizon, options
        self._running = False
        self._losses = list[float]()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Take over the optimizer; its state is already that of a checkpoint, where there is one."""
        optimizer: Optimizer = getattr(kwargs["optimizer"], "optimizer", kwargs["optimizer"])
        resumed = Path(str(args.output_dir), f"checkpoint-{state.global_step}", FILE)
        hold(kwargs["lr_scheduler"], optimizer, anew=not state.global_step)
        horizon = segments(args, state) if self._horizon is None else self._horizon
        self.pilot = Pilot(optimizer, horizon, given=self._given, **self._options)
        self._running, self._losses = True, []
        if state.global_step and not resumed.exists():
            log.warning("%s: no such file; the Pilot begins anew in a run that goes on", resumed)
        elif state.global_step:
            kept = torch.load(resumed)
            self.pilot.load_state_dict(kept["pilot"])
            self._losses = kept["losses"]
            if horizon != self.pilot.horizon:
                self.pilot.horizon = horizon

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Take in a mean train loss; without evaluations a segment ends here."""
        if not self._running or logs is None or "loss" not in logs:
            return
        self._losses.append(float(logs["loss"]))
        if args.eval_strategy == "no":
            self._end(None)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """End a segment with what was validated; before the first step, tell the Pilot where the run begins."""
        if not self._running or metrics is None:
            return
        if self.monitor not in metrics:
            raise PilotError(f"monitor: expected a loss of the evaluation ({', '.join(metrics)}), got {self.monitor!r}")
        if state.global_step == 0:
            self.pilot.start(validation_loss=metrics[self.monitor])
        else:
            self._end(metrics[self.monitor])

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Put the Pilot's state into the checkpoint's folder."""
        folder = Path(str(args.output_dir), f"checkpoint-{state.global_step}")
        if state.is_world_process_zero and folder.is_dir():
            torch.save({"pilot": self.pilot.state_dict(), "losses": self._losses}, folder / FILE)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Take no part in what is evaluated from here on."""
        self._running = False

    def _end(self, validation: float | None) -> None:
        train = sum(self._losses) / len(self._losses) if self._losses else None
        self._losses = []
        self.pilot.step(train_loss=train, validation_loss=validation)


def hold(scheduler: Any, optimizer: Optimizer, *, anew: bool) -> None:
    """Let ``scheduler`` leave the rates as they are; ``anew``: raise them first, since a warm-up begins below its own."""
    inner = getattr(scheduler, "scheduler", scheduler)
    if not isinstance(inner, LambdaLR):
        raise PilotError(f"lr_scheduler_type: expected one that is a LambdaLR, such as 'constant', got {type(inner).__name__}")
    pairs = [(group, float(base)) for group, base in zip(optimizer.param_groups, inner.base_lrs, strict=True)]
    if anew:
        for group, base in pairs:
            group["lr"] = base

    def share(_: int, group: dict[str, Any], base: float) -> float:
        return float(group["lr"]) / base if base else 0.0

    inner.lr_lambdas = [partial(share, group=group, base=base) for group, base in pairs]


def segments(args: TrainingArguments, state: TrainerState) -> int:
    """Return how many segments the run is going to have: evaluations, or logs where there are none."""
    if args.eval_strategy == "epoch":
        return max(1, math.ceil(state.num_train_epochs))
    every = state.logging_steps if args.eval_strategy == "no" else state.eval_steps
    return max(1, math.ceil(state.max_steps / int(every)))
