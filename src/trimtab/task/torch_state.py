"""A PyTorch training between two segments, and its way into a checkpoint and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from trimtab.errors import CheckpointError, TaskError
from trimtab.space import Settings
from trimtab.task.checkpoint import pack, unpack


@dataclass(slots=True)
class TorchState:
    """``start``: the settings that the model was built with. ``applied``: those that the optimizer stands at.

    ``epoch`` and ``offset``: how many epochs of the data are done, and how many examples of the present one.
    ``displacement``: that of the weights over the last segment, on a few coordinates.
    """

    model: nn.Module
    optimizer: Optimizer
    scaler: GradScaler
    run_seed: int
    start: Settings
    applied: dict[str, Any]
    epoch: int = 0
    offset: int = 0
    displacement: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """The content of a checkpoint, sorted."""

    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    displacement: Tensor | None
    record: dict[str, Any]


def encode_state(state: TorchState, fingerprint: str) -> bytes:
    """Return all of ``state`` as bytes; equal states give equal bytes."""
    tensors: dict[str, Tensor] = {}
    for name, value in state.model.state_dict().items():
        if not isinstance(value, Tensor):
            raise TaskError(f"build: the model's state_dict holds {name!r} of {type(value).__name__}; expected tensors only")
        tensors[f"model.{name}"] = value
    scalars: dict[str, Any] = {}
    for index, (_, of_parameter) in enumerate(_optimizer_states(state.optimizer)):
        for name, value in of_parameter.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            elif value is not None:
                scalars[f"{index}.{name}"] = value
    if state.displacement is not None:
        tensors["displacement"] = state.displacement
    record = {
        "task": fingerprint,
        "run_seed": state.run_seed,
        "start": dict(state.start),
        "applied": state.applied,
        "epoch": state.epoch,
        "offset": state.offset,
        "optimizer": scalars,
        "scaler": state.scaler.state_dict(),
    }
    return pack(tensors, record)


def _optimizer_states(optimizer: Optimizer) -> list[tuple[nn.Parameter, dict[str, Any]]]:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return [(parameter, optimizer.state.get(parameter, {})) for parameter in parameters]


def read_state(checkpoint: bytes) -> Saved:
    """Return what ``encode_state`` put into ``checkpoint``; raise CheckpointError if it did not write it."""
    tensors, record = unpack(checkpoint)
    missing = {"task", "run_seed", "start", "applied", "epoch", "offset", "optimizer", "scaler"} - set(record)
    if missing:
        raise CheckpointError(f"checkpoint: its record lacks {', '.join(sorted(missing))}")
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part in parts:
            parts[part][rest] = tensor
    return Saved(parts["model"], parts["optimizer"], tensors.get("displacement"), record)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load the weights of a checkpoint into ``model``; raise CheckpointError if they are not its."""
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"checkpoint: its weights do not fit the model that build returns: {error}") from None


def load_optimizer(optimizer: Optimizer, saved: Saved) -> None:
    """Put the optimizer state of a checkpoint into ``optimizer``, with the memory layout of its parameters."""
    parameters = [parameter for parameter, _ in _optimizer_states(optimizer)]
    for path, value in (*saved.optimizer.items(), *saved.record["optimizer"].items()):
        index, _, name = path.partition(".")
        if not index.isdigit() or int(index) >= len(parameters):
            raise CheckpointError(f"checkpoint: optimizer state {path!r} of a model that has {len(parameters)} parameters")
        parameter = parameters[int(index)]
        optimizer.state[parameter][name] = _as_state(value, parameter) if isinstance(value, Tensor) else value


def _as_state(value: Tensor, parameter: nn.Parameter) -> Tensor:
    # copied: the bytes of a checkpoint are neither aligned nor writable
    if value.shape == parameter.shape and value.ndim:
        return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
    # torch keeps step counters on the CPU
    return value.clone() if value.ndim == 0 else value.to(parameter.device, copy=True)
