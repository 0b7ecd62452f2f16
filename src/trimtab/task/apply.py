"""The live settings that every training understands by name, and how those that act on the model reach it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from trimtab.errors import TaskError
from trimtab.space import Categorical, Hyperparameter
from trimtab.task.optimizers import KINDS

Setter = Callable[[nn.Module, Any], object]

ALIASES: Mapping[str, str] = {"learning_rate": "lr"}
ARGUMENTS = frozenset(name for kind in KINDS.values() for name in kind.arguments)
"""Settings that are arguments of at least one kind of optimizer."""

LEGAL: Mapping[str, tuple[float, float]] = {
    "lr": (0.0, math.inf),
    "weight_decay": (0.0, math.inf),
    "momentum": (0.0, 1.0),
    "beta1": (0.0, math.nextafter(1.0, 0.0)),
    "beta2": (0.0, math.nextafter(1.0, 0.0)),
    "alpha": (0.0, math.nextafter(1.0, 0.0)),
    "eps": (0.0, math.inf),
    "batch_size": (1, math.inf),
    "dropout": (0.0, 1.0),
    "label_smoothing": (0.0, 1.0),
    "gradient_clip": (0.0, math.inf),
    "augmentation": (-math.inf, math.inf),
}
"""The range in which each numeric setting means something."""
NAMES = frozenset({*LEGAL, "optimizer", "nesterov"})
"""Every setting that a TorchTask applies by itself."""


def dropout_modules(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """Return the modules of ``model`` that drop units, each with the attribute that holds its probability.

    Those are the nn.Dropout family, and any module with a number named ``dropout`` (attention, recurrent layers, one's own).
    """
    found: list[tuple[nn.Module, str]] = []
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # torch's only base of the family
            found.append((module, "p"))
        elif isinstance(value := getattr(module, "dropout", None), (int, float)) and not isinstance(value, bool):
            found.append((module, "dropout"))
    return found


def set_dropout(model: nn.Module, probability: float) -> None:
    """Set the dropout probability of every module of ``model`` that drops units."""
    for module, name in dropout_modules(model):
        setattr(module, name, float(probability))


def apply_to_model(model: nn.Module, settings: Mapping[str, Any], setters: Mapping[str, Setter]) -> None:
    """Apply the settings that act on the model itself."""
    if "dropout" in settings and "dropout" not in setters:
        set_dropout(model, settings["dropout"])
    for name, setter in setters.items():
        if name in settings:
            setter(model, settings[name])


def canonical(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with every name in its usual form ("learning_rate" is "lr")."""
    return {ALIASES.get(name, name): value for name, value in settings.items()}


def check_name(name: str, setters: Mapping[str, Setter]) -> None:
    """Raise TaskError if a live hyperparameter of this name has nothing that it acts on."""
    if ALIASES.get(name, name) not in NAMES and name not in setters:
        raise TaskError(
            f"{name}: a live hyperparameter that the task cannot apply; it knows {', '.join(sorted(NAMES))}. "
            f"Give TorchTask(setters={{{name!r}: lambda model, value: ...}}), or make it live=False and read it in build"
        )


def check_range(name: str, hyperparameter: Hyperparameter) -> None:
    """Raise TaskError if ``hyperparameter`` allows values that its name cannot have."""
    name = ALIASES.get(name, name)
    if name == "optimizer":
        choices = hyperparameter.choices if isinstance(hyperparameter, Categorical) else ()
        unknown = [choice for choice in choices if choice not in KINDS]
        if unknown or not choices:
            got = ", ".join(map(repr, unknown)) or repr(hyperparameter)
            raise TaskError(f"optimizer: expected a Categorical of {', '.join(KINDS)}, got {got}")
    elif name in LEGAL:
        low, high = LEGAL[name]
        for value in _extremes(hyperparameter):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise TaskError(f"{name}: expected values in [{low:g}, {high:g}], got {value!r} in {hyperparameter!r}")


def _extremes(hyperparameter: Hyperparameter) -> tuple[Any, ...]:
    if isinstance(hyperparameter, Categorical):
        return hyperparameter.choices
    return tuple(getattr(hyperparameter, bound) for bound in ("low", "high") if hasattr(hyperparameter, bound)) or (True,)


def check_values(where: str, settings: Mapping[str, Any]) -> None:
    """Raise TaskError if one of ``settings`` (canonical) has a value that it cannot have."""
    kind = settings.get("optimizer")
    if kind is not None and kind not in KINDS:
        raise TaskError(f"{where}: optimizer: expected one of {', '.join(KINDS)}, got {kind!r}")
    for name, (low, high) in LEGAL.items():
        value = settings.get(name, low)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise TaskError(f"{where}: {name}: expected a number in [{low:g}, {high:g}], got {value!r}")
