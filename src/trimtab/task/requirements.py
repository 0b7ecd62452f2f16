"""What a space may ask of a TorchTask, and what it asks in vain."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping

import numpy as np
from torch import nn

from trimtab.errors import TaskError
from trimtab.space import Categorical, Settings, Space
from trimtab.task.apply import ALIASES, ARGUMENTS, NAMES, Setter, check_name, check_range, dropout_modules
from trimtab.task.optimizers import KINDS

TRIALS = 4
"""How many drawn settings ``build`` is tried with before a hyperparameter is said to be ignored."""


def check_space(space: Space, *, setters: Mapping[str, Setter], default_kind: str, smooths: bool, augments: bool) -> None:
    """Raise TaskError if a hyperparameter of ``space`` cannot be applied."""
    optimizer = space.get("optimizer")
    kinds = optimizer.choices if isinstance(optimizer, Categorical) else (default_kind,)
    names = [ALIASES.get(name, name) for name in space]
    if len(set(names)) < len(names):
        raise TaskError("space: it has both lr and learning_rate, which are one setting; keep one of them")
    for name, hyperparameter in space.items():
        if hyperparameter.live:
            check_name(name, setters)
        if name in setters:
            continue
        check_range(name, hyperparameter)
        if name in ARGUMENTS and not any(name in KINDS[str(kind)].arguments for kind in kinds):
            having = ", ".join(kind for kind in KINDS if name in KINDS[kind].arguments)
            raise TaskError(f"{name}: has no effect on {', '.join(map(str, kinds))}; it is a setting of {having}")
    if "label_smoothing" in space and not smooths and "label_smoothing" not in setters:
        raise TaskError("label_smoothing: this task's loss does not smooth labels; it needs one by name, as 'cross_entropy'")
    if "augmentation" in space and not augments and "augmentation" not in setters:
        raise TaskError("augmentation: nothing to apply it with; give TorchTask(augment=fn(inputs, strength, generator))")


def warn_ignored(space: Space, *, setters: Collection[str], trial: Callable[[Settings], tuple[nn.Module, set[str]]]) -> None:
    """Build the model from settings of ``space`` and warn of start-only hyperparameters that nothing reads."""
    model, read = trial(space.default())
    unread = {name for name in space if not space[name].live and ALIASES.get(name, name) not in NAMES and name not in setters}
    unread -= read
    rng = np.random.default_rng(0)
    for _ in range(TRIALS if unread else 0):
        # one that is read under some settings only (the width of a third layer) is not ignored
        unread -= trial(space.sample(rng))[1]
    for name in sorted(unread):
        warnings.warn(
            f"{name}: build never reads this hyperparameter, so it has no effect; read settings[{name!r}] in build",
            stacklevel=4,
        )
    if "dropout" in space and space["dropout"].live and "dropout" not in setters and not dropout_modules(model):
        warnings.warn(
            "dropout: the model has no module that drops units, so it has no effect; put nn.Dropout into it", stacklevel=4
        )
