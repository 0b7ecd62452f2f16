"""Loggers: they receive the events of a study and put them where people look. One small file each, behind one protocol."""

from trimtab.integrations.loggers.guarded import Guarded
from trimtab.integrations.loggers.json_lines import JsonLines
from trimtab.integrations.loggers.protocol import Logger
from trimtab.integrations.loggers.tensorboard import TensorBoard
from trimtab.integrations.loggers.terminal import Terminal
from trimtab.integrations.loggers.wandb import WandB

__all__ = ["Guarded", "JsonLines", "Logger", "TensorBoard", "Terminal", "WandB"]
