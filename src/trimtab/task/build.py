"""The user's ``build``: called with complete settings, watched for what it reads, and held to returning a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from trimtab.errors import TaskError
from trimtab.space import Settings, Value
from trimtab.task.checkpoint import is_checkpoint
from trimtab.task.torch_state import read_state

Build = Callable[[Settings], nn.Module]
ParamGroups = Callable[[nn.Module], list[dict[str, Any]]]
GROUP_KEYS = ("params", "lr_multiplier", "weight_decay_multiplier")


class WatchedSettings(Settings):
    """Settings that remember which of their names were read."""

    __slots__ = ("read",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return super().__getitem__(name)


def build_model(build: Build, settings: Settings) -> tuple[nn.Module, set[str]]:
    """Return the model that ``build`` makes of ``settings``, and the names it read; raise TaskError if it makes none."""
    watched = WatchedSettings(settings)
    try:
        model = build(watched)
    except Exception as error:
        raise TaskError(f"build: raised {type(error).__name__}: {error}, with {settings!r}") from error
    if not isinstance(model, nn.Module):
        raise TaskError(f"build: expected it to return a torch.nn.Module, got {type(model).__name__}, with {settings!r}")
    return model, watched.read


def read_pretrained(pretrained: object) -> dict[str, Tensor] | None:
    """Return the weights that every run starts from: a state_dict as given, or read from a file without pickle."""
    if pretrained is None or isinstance(pretrained, Mapping):
        weights: Any = pretrained
    elif isinstance(pretrained, (str, Path)):
        weights = _read_weights(Path(pretrained))
    else:
        raise TaskError(f"pretrained: expected a state_dict or a path, got {type(pretrained).__name__}")
    if weights is not None and not all(isinstance(value, Tensor) for value in weights.values()):
        raise TaskError("pretrained: expected a state_dict, a flat mapping of names to tensors")
    return None if weights is None else dict(weights)


def _read_weights(path: Path) -> Any:
    if not path.is_file():
        raise TaskError(f"pretrained: {path}: no such file")
    try:
        if path.suffix == ".safetensors":
            content = path.read_bytes()
            # what a study left has the state of the optimizer beside the weights
            return read_state(content).model if is_checkpoint(content) else load(content)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        kind = "not safetensors" if isinstance(error, SafetensorError) else "not plain weights (weights_only=True)"
        raise TaskError(f"pretrained: {path}: {kind}: {error}") from error


def load_pretrained(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load ``weights`` into ``model``; raise TaskError with the names that are missing, too many or of another shape."""
    own = model.state_dict()
    wrong = {"missing": own.keys() - weights.keys(), "unexpected": weights.keys() - own.keys()}
    told = [f"{what}: {', '.join(sorted(names))}" for what, names in wrong.items() if names]
    # lazy parameters have no shape yet, and take any
    shaped = [name for name in own.keys() & weights.keys() if not is_lazy(own[name])]
    told += [
        f"{name} of shape {tuple(weights[name].shape)}, expected {tuple(own[name].shape)}"
        for name in shaped
        if own[name].shape != weights[name].shape
    ]
    if told:
        raise TaskError(f"pretrained: the weights do not fit the model that build returns; {'; '.join(sorted(told))}")
    model.load_state_dict(weights, strict=True)


def digest_of(weights: Mapping[str, Tensor]) -> str:
    """Return what tells ``weights`` from others: the SHA-256 of their bytes."""
    return sha256(save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()})).hexdigest()


def is_lazy(tensor: Tensor) -> bool:
    """Return whether ``tensor`` belongs to a lazy module that has seen no input yet."""
    return isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer))


def param_groups_of(model: nn.Module, param_groups: ParamGroups | None) -> list[dict[str, Any]]:
    """Return the param groups of ``model``; raise TaskError if the user's are not groups with multipliers."""
    if not any(True for _ in model.parameters()):
        raise TaskError("build: the model has no parameters to train")
    if param_groups is None:
        return [{"params": list(model.parameters())}]
    groups = param_groups(model)
    if not isinstance(groups, (list, tuple)) or not groups or not all(isinstance(group, dict) for group in groups):
        raise TaskError(f"param_groups: expected it to return a list of dicts, each with 'params', got {groups!r}")
    for group in groups:
        unknown = sorted(set(group) - set(GROUP_KEYS))
        if "params" not in group or unknown:
            got = ", ".join(unknown) or "no params"
            raise TaskError(f"param_groups: a group may have {', '.join(GROUP_KEYS)}, got {got}; rates come from the settings")
    made = [{**group, "params": list(group["params"])} for group in groups if group["params"] is not None]
    return [group for group in made if group["params"]]


def outputs_of(model: nn.Module, inputs: list[Any]) -> Any:
    """Return the model's output for the first examples, without training it; raise TaskError if it cannot take them."""
    model.eval()
    try:
        with torch.no_grad():
            return model(*inputs)
    except Exception as error:
        shapes = ", ".join(str(tuple(value.shape)) for value in inputs if isinstance(value, Tensor))
        raise TaskError(f"build: the model cannot take the first examples of train, {shapes}: {error}") from error
