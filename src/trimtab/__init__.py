"""trimtab: agents that tune a neural network while it trains.

Names are loaded when they are first used, so that ``import trimtab`` costs no more than ``import numpy``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from trimtab.continual import Continual
    from trimtab.controllers import ControlResult, ControlTask, Policy, control
    from trimtab.env import AtMost, Gap, Seconds, TrainingEnv
    from trimtab.errors import TrimtabError
    from trimtab.integrations import loggers
    from trimtab.integrations.tabular import TabularClassifier, TabularRegressor
    from trimtab.pilot import Knob, LiveLoader, Pilot
    from trimtab.space import Bool, Categorical, Float, Int, Settings, Space
    from trimtab.study import Budget, Result, Schedule, Study
    from trimtab.task import Goal, Segment
    from trimtab.task.torch_task import TorchTask

_HOMES = {
    "trimtab.continual": ("Continual",),
    "trimtab.controllers": ("ControlResult", "ControlTask", "Policy", "control"),
    "trimtab.env": ("AtMost", "Gap", "Seconds", "TrainingEnv"),
    "trimtab.errors": ("TrimtabError",),
    "trimtab.integrations.tabular": ("TabularClassifier", "TabularRegressor"),
    "trimtab.pilot": ("Knob", "LiveLoader", "Pilot"),
    "trimtab.space": ("Bool", "Categorical", "Float", "Int", "Settings", "Space"),
    "trimtab.study": ("Budget", "Result", "Schedule", "Study"),
    "trimtab.task": ("Goal", "Segment"),
    "trimtab.task.torch_task": ("TorchTask",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {"loggers": "trimtab.integrations.loggers"}

__all__ = [
    "AtMost",
    "Bool",
    "Budget",
    "Categorical",
    "Continual",
    "ControlResult",
    "ControlTask",
    "Float",
    "Gap",
    "Goal",
    "Int",
    "Knob",
    "LiveLoader",
    "Pilot",
    "Policy",
    "Result",
    "Schedule",
    "Seconds",
    "Segment",
    "Settings",
    "Space",
    "Study",
    "TabularClassifier",
    "TabularRegressor",
    "TorchTask",
    "TrainingEnv",
    "TrimtabError",
    "control",
    "loggers",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        value: object = importlib.import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'trimtab' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_MODULES})
