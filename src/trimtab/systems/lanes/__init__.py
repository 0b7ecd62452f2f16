"""Traffic lanes: a road whose middle lanes go either way, in SUMO."""

from trimtab.systems.lanes.environment import SYSTEMS, TidalRoad

__all__ = ["SYSTEMS", "TidalRoad"]
