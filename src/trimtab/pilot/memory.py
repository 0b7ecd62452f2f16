"""One copy of a training, its best so far: weights, buffers and the optimizer's state, to go back to."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Memory:
    """Keeps and restores ``parameters``, the buffers of the modules that own them, and the states of ``optimizers``.

    ``further``: other tensors that belong to the training.
    """

    def __init__(self, parameters: Sequence[Tensor], optimizers: Sequence[Optimizer], further: Sequence[Tensor] = ()) -> None:
        self._tensors = [*parameters, *buffers_of(parameters), *further]
        self._optimizers = list(optimizers)
        self._copies: list[Tensor] | None = None
        self._states: list[dict[int, dict[str, Any]]] = []

    @torch.no_grad()
    def keep(self) -> None:
        """Keep the training as it is now, in place of what was kept before."""
        if self._copies is None:
            self._copies = [tensor.detach().clone() for tensor in self._tensors]
        else:
            for copy, tensor in zip(self._copies, self._tensors, strict=True):
                copy.copy_(tensor)
        self._states = [{id(weight): _copied(state) for weight, state in one.state.items()} for one in self._optimizers]

    @torch.no_grad()
    def go_back(self) -> None:
        """Put the training back as it was kept. Weights that had no optimizer state then have none again."""
        assert self._copies is not None
        for copy, tensor in zip(self._copies, self._tensors, strict=True):
            tensor.copy_(copy)
        for optimizer, states in zip(self._optimizers, self._states, strict=True):
            for weight in list(optimizer.state):
                kept = states.get(id(weight))
                if kept is None:
                    del optimizer.state[weight]
                else:
                    _restore(optimizer.state[weight], kept)

    def state_dict(self) -> dict[str, Any]:
        """Return the copy; optimizer states by the place of their weight."""
        order = {id(tensor): index for index, tensor in enumerate(self._tensors)}
        states = [{order[weight]: state for weight, state in one.items()} for one in self._states]
        return {"copies": self._copies, "states": states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the copy of ``state_dict``."""
        self._copies = None if state["copies"] is None else [copy.clone() for copy in state["copies"]]
        self._states = [{id(self._tensors[place]): _copied(one) for place, one in each.items()} for each in state["states"]]


def buffers_of(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the buffers of all modules that hold one of ``parameters``, or lie in a module that does.

    A loop gives its scheduler the optimizer only; running statistics of a normalisation that once were not finite stay so
    forever if they are not put back with the weights. So the modules are looked for among the living objects, once.
    """
    owned = {id(weight) for weight in parameters}
    found: dict[int, Tensor] = {}
    for module in _modules():
        if any(id(weight) in owned for weight in module.parameters()):
            found |= {id(buffer): buffer for buffer in module.buffers()}
    return list(found.values())


def _modules() -> list[nn.Module]:
    """Return all living modules. Types are asked once each: of objects there may be millions."""
    kinds: dict[type, bool] = {}
    found: list[nn.Module] = []
    for thing in gc.get_objects():
        # the type, not isinstance: that would ask proxies what they stand for, which may run anybody's code
        kind = type(thing)
        is_module = kinds.get(kind)
        if is_module is None:
            is_module = kinds[kind] = issubclass(kind, nn.Module)
        if is_module and "_parameters" in thing.__dict__:
            found.append(thing)
    return found


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value.detach().clone() if isinstance(value, Tensor) else value for name, value in state.items()}


def _restore(state: dict[str, Any], kept: dict[str, Any]) -> None:
    for name in list(state):
        if name not in kept:
            del state[name]
    for name, value in kept.items():
        now = state.get(name)
        if isinstance(value, Tensor) and isinstance(now, Tensor) and now.shape == value.shape:
            now.copy_(value)
        else:
            state[name] = value.detach().clone() if isinstance(value, Tensor) else value
