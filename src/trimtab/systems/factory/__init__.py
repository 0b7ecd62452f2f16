"""Manufacturing: job shops, with breakdowns or without."""

from trimtab.systems.factory.environment import SYSTEMS, JobShop

__all__ = ["SYSTEMS", "JobShop"]
