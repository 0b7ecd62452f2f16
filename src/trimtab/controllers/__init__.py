"""Agents that run a system: one for each knob, learning over episodes, in a study that is kept like any other."""

from trimtab.controllers.control import control
from trimtab.controllers.evaluation import Evaluation, evaluate
from trimtab.controllers.logs import Log, record
from trimtab.controllers.policy import Policy
from trimtab.controllers.result import ControlResult
from trimtab.controllers.source import as_system
from trimtab.controllers.task import ControlTask, Length

__all__ = [
    "ControlResult",
    "ControlTask",
    "Evaluation",
    "Length",
    "Log",
    "Policy",
    "as_system",
    "control",
    "evaluate",
    "record",
]
