"""Grid storage: the batteries and hot water tanks of homes, on CityLearn."""

from trimtab.systems.storage.environment import SYSTEMS, Storage

__all__ = ["SYSTEMS", "Storage"]
