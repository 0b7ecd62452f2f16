"""What a Pilot is given, checked where it is given, with an error that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.optim import Optimizer

from trimtab.errors import PilotError


def check_optimizers(given: Any) -> list[Optimizer]:
    """Return the optimizers that were given, one or several; raise PilotError if they are none."""
    found = list(given) if isinstance(given, (list, tuple)) else [given]
    for one in found:
        if not isinstance(one, Optimizer):
            raise PilotError(f"optimizer: expected a torch.optim.Optimizer, or several, got {one!r}")
    return found


def check_whole(name: str, value: Any) -> int:
    """Return ``value``; raise PilotError unless it is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise PilotError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(value)


def check_switches(**switches: object) -> None:
    """Raise PilotError for a value where a switch belongs: ``weight_decay=0.01`` is easily written, and taken for yes."""
    for name, value in switches.items():
        if not isinstance(value, (bool, np.bool_)):
            values = f"; its value belongs into the optimizer: SGD(…, {name}=…)" if name in ("weight_decay", "momentum") else ""
            raise PilotError(f"{name}: expected True or False, got {value!r}{values}")


def check_loss(name: str, value: Any) -> float | None:
    """Return ``value`` as a float, None as it is; raise PilotError unless it is a number or a tensor of one."""
    if value is None:
        return None
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PilotError(f"{name}: expected a number or a tensor of one number, got {value!r}") from error
