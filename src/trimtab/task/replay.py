"""A path of segments trained again by plain PyTorch, bit for bit: the program that ``export`` writes out.

It makes the same steps as TorchTask.advance in the same order and draws the same random numbers, but measures nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from trimtab.seeds import derive
from trimtab.task.apply import apply_to_model
from trimtab.task.batches import Batch, Draw, Span
from trimtab.task.nest import length, parts_of, to_device
from trimtab.task.optimizers import make_optimizer, set_rate
from trimtab.task.randomness import seed_everything


def replay(
    build: Callable[[Any], nn.Module],
    *,
    draw: Callable[[Span], Draw],
    start: Mapping[str, Any],
    schedule: Sequence[Mapping[str, Any]],
    run_seed: int,
    amount: tuple[int | None, int | None],
    reference: Callable[[float], float],
    loss: Callable[[nn.Module, Batch, float], Tensor],
    change: Callable[..., Optimizer],
    augment: Callable[[Any, float, torch.Generator], Any] | None = None,
    setters: Mapping[str, Callable[[nn.Module, Any], object]] | None = None,
    param_groups: Callable[[nn.Module], list[dict[str, Any]]] | None = None,
    pretrained: Mapping[str, Tensor] | None = None,
    micro_batch: int | None = None,
    device: str = "cpu",
    amp: bool = False,
) -> nn.Module:
    """Return the model that ``schedule`` trains. ``amount``: examples or steps of a segment, the other None.

    ``change`` puts settings into the optimizer, or makes another of it.
    """
    seed_everything(derive(run_seed, "start"))
    model = build(start).to(device)
    if pretrained is not None:
        model.load_state_dict(pretrained)
    groups = param_groups(model) if param_groups is not None else [{"params": list(model.parameters())}]
    kind = schedule[0]["settings"]["optimizer"]
    optimizer = make_optimizer(kind, groups, schedule[0]["settings"])
    scaler = GradScaler(device, enabled=amp and device == "cuda")
    epoch = offset = 0
    for segment in schedule:
        seed_everything(segment["seed"])
        settings = segment["settings"]
        optimizer = change(optimizer, before=kind, after=settings["optimizer"], settings=settings)
        kind = settings["optimizer"]
        apply_to_model(model, settings, setters or {})
        drawn = draw(Span(run_seed, epoch, offset, int(settings["batch_size"]), *amount))
        prepare = preparation(segment["seed"], settings, augment, device)
        step = training_step(model, optimizer, scaler, loss=loss, settings=settings, micro_batch=micro_batch, amp=amp)
        (low, high), done = segment["progress"], 0
        model.train()
        for epoch, offset, batch in drawn.batches:  # noqa: B007  the place in the data is where the next segment begins
            share = min(1.0, done / drawn.total)
            set_rate(optimizer, settings["lr"] * reference(low + (high - low) * share))
            step(prepare(batch))
            done += 1 if drawn.counts_steps else length(batch)
    return model.eval()


def preparation(
    seed: int, settings: Mapping[str, Any], augment: Callable[..., Any] | None, device: str
) -> Callable[[Batch], Batch]:
    """Return the function that moves a batch to the device and augments its inputs."""
    generator = torch.Generator(device).manual_seed(derive(seed, "augmentation"))
    strength = settings.get("augmentation", 1.0)

    def prepare(batch: Batch) -> Batch:
        batch = batch if device == "cpu" else to_device(batch, torch.device(device))
        if augment is None:
            return batch
        if isinstance(batch, (tuple, list)) and len(batch) >= 2:
            return (augment(batch[0], strength, generator), *batch[1:])
        return augment(batch, strength, generator)

    return prepare


def training_step(
    model: nn.Module,
    optimizer: Optimizer,
    scaler: GradScaler,
    *,
    loss: Callable[[nn.Module, Batch, float], Tensor],
    settings: Mapping[str, Any],
    micro_batch: int | None,
    amp: bool,
) -> Callable[[Batch], None]:
    """Return the function that makes one optimizer step on a batch."""
    smoothing, clip = settings.get("label_smoothing", 0.0), settings.get("gradient_clip", 0.0)
    parameters = list(model.parameters())
    device = parameters[0].device.type
    precision = torch.float16 if device == "cuda" else torch.bfloat16

    def step(batch: Batch) -> None:
        optimizer.zero_grad(set_to_none=True)
        size = length(batch)
        whole = micro_batch is None or size <= micro_batch
        parts: Iterable[Batch] = [batch] if whole else parts_of(batch, micro_batch or size)
        for part in parts:
            with torch.autocast(device, precision, enabled=amp):
                value = loss(model, part, smoothing)
            scaler.scale(value if whole else value * (length(part) / size)).backward()
        if clip > 0:
            scaler.unscale_(optimizer)
            clip_grad_norm_(parameters, clip)
        scaler.step(optimizer)
        scaler.update()

    return step
