"""trimtab: agents that tune a neural network while it trains.

Names are loaded when they are first used, so that ``import trimtab`` costs no more than ``import numpy``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from trimtab.space import Bool, Categorical, Float, Int, Settings, Space
    from trimtab.task import Goal

_HOMES = {
    "trimtab.space": ("Bool", "Categorical", "Float", "Int", "Settings", "Space"),
    "trimtab.task": ("Goal",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["Bool", "Categorical", "Float", "Goal", "Int", "Settings", "Space"]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'trimtab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
