"""Agriculture: irrigation of maize, on AquaCrop."""

from trimtab.systems.farm.environment import SYSTEMS, Maize

__all__ = ["SYSTEMS", "Maize"]
