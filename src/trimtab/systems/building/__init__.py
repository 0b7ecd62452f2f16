"""Buildings: heating and cooling, on EnergyPlus."""

from trimtab.systems.building.environment import SYSTEMS, Office

__all__ = ["SYSTEMS", "Office"]
