"""What is trained, and how live settings reach it. The parts made of torch are imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trimtab.task.protocol import Goal, Measurement, Progress, Segment, Split, State, Task, Telemetry

if TYPE_CHECKING:
    from trimtab.task.contract import TaskContract
    from trimtab.task.torch_state import TorchState
    from trimtab.task.torch_task import TorchTask

__all__ = [
    "Goal",
    "Measurement",
    "Progress",
    "Segment",
    "Split",
    "State",
    "Task",
    "TaskContract",
    "Telemetry",
    "TorchState",
    "TorchTask",
]

_LAZY = {"TaskContract": "contract", "TorchState": "torch_state", "TorchTask": "torch_task"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
