"""Loggers: they receive the events of a study and put them where people look. One small file each.

A logger is any object with the three methods of ``trimtab.study.audience.Logger``.
"""

from trimtab.integrations.loggers.json_lines import JsonLines
from trimtab.integrations.loggers.tensorboard import TensorBoard
from trimtab.integrations.loggers.terminal import Terminal
from trimtab.integrations.loggers.wandb import WandB

__all__ = ["JsonLines", "TensorBoard", "Terminal", "WandB"]
