"""Traffic signals, in SUMO."""

from trimtab.systems.traffic.environment import SYSTEMS, Signals

__all__ = ["SYSTEMS", "Signals"]
