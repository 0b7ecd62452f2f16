"""The training step and the loop around it: what a plain PyTorch loop does, plus a few figures that cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from trimtab.errors import TaskError
from trimtab.task.batches import Batch, Draw
from trimtab.task.nest import length, parts_of
from trimtab.task.optimizers import set_rate
from trimtab.task.probe import PARTS, Recorder, StepProbe, gradient_norm
from trimtab.task.protocol import Progress
from trimtab.task.reference import Reference

Objective = Callable[[nn.Module, Batch], Tensor]


@dataclass(slots=True)
class Training:
    """All that the steps of one segment need. ``progress``: share of the run before and after the segment."""

    model: nn.Module
    optimizer: Optimizer
    objective: Objective
    prepare: Callable[[Batch], Batch]
    scaler: GradScaler
    rate: float
    reference: Reference
    progress: tuple[float, float]
    clip: float
    micro_batch: int | None
    parameters: Sequence[nn.Parameter]
    epoch: int = 0
    offset: int = 0
    recorder: Recorder = field(default_factory=Recorder)
    probe: StepProbe = field(init=False)

    def __post_init__(self) -> None:
        self.probe = StepProbe(self.parameters)

    def run(self, draw: Draw, beat: Progress) -> bool:
        """Train on every batch of ``draw``; return False, early, if the loss is not finite."""
        recorder, (low, high) = self.recorder, self.progress
        parts, done = min(PARTS, draw.total), 0
        self.model.train()
        for self.epoch, self.offset, batch in draw.batches:
            share = min(1.0, done / draw.total)
            set_rate(self.optimizer, self.rate * self.reference(low + (high - low) * share))
            sampled = recorder.enter(done * parts // draw.total)
            if sampled and not recorder.finite:
                return False
            size = length(batch)
            recorder.add(self.step(self.prepare(batch), size, sampled=sampled), size)
            done += 1 if draw.counts_steps else size
            beat()
        recorder.flush()
        return recorder.finite

    def step(self, batch: Batch, size: int, *, sampled: bool) -> Tensor:
        """Make one optimizer step on ``batch`` and return its mean loss, detached."""
        self._clear()
        loss = self.backward(batch, size)
        scales = self.scaler.is_enabled()
        if self.clip > 0 or sampled:
            if scales:
                self.scaler.unscale_(self.optimizer)
            norm = clip_grad_norm_(self.parameters, self.clip) if self.clip > 0 else gradient_norm(self.parameters)
            if sampled:
                self.recorder.norms.append(norm.detach())
        # every second part is enough: what is compared is noisy from batch to batch, not from part to part
        compared = sampled and self.recorder.part % 2 == 0
        self.probe.before(sampled=compared)
        if not scales:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if compared:
            self.probe.after()
        return loss

    def _clear(self) -> None:
        # what Optimizer.zero_grad(set_to_none=True) does, without the profiler's hooks, which cost as much as a small layer
        for parameter in self.parameters:
            parameter.grad = None

    def backward(self, batch: Batch, size: int) -> Tensor:
        """Add up the gradients of ``batch``, in smaller parts where memory is short; return the loss."""
        while True:
            try:
                return self._accumulate(batch, size)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if (self.micro_batch or size) <= 1:
                    raise TaskError(f"batch_size: out of memory even with one example at a time: {error}") from error
                self.micro_batch = min(self.micro_batch or size, size) // 2
            self._clear()

    def _accumulate(self, batch: Batch, size: int) -> Tensor:
        if self.micro_batch is None or size <= self.micro_batch:
            loss = self.objective(self.model, batch)
            (self.scaler.scale(loss) if self.scaler.is_enabled() else loss).backward()
            return loss.detach()
        losses: list[Tensor] = []
        for part in parts_of(batch, self.micro_batch):
            loss = self.objective(self.model, part) * (length(part) / size)
            self.scaler.scale(loss).backward()
            losses.append(loss.detach())
        return torch.stack(losses).sum()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` says that a device, or this machine, has no memory left."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text or "not enough memory" in text


def loss_of(value: Any) -> Tensor:
    """Return the user's loss; raise TaskError if it is not one number that gradients can flow from."""
    if isinstance(value, Tensor) and value.ndim == 0:
        return value
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise TaskError(f"loss: expected a tensor with one element, got {shape}; take the mean over the batch")
    return value.reshape(())


def finite(*values: float) -> bool:
    """Return whether all of ``values`` are finite."""
    return all(map(math.isfinite, values))
