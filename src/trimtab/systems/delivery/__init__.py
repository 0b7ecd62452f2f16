"""Delivery: orders that arrive over a day, and the vehicles that bring them."""

from trimtab.systems.delivery.environment import SYSTEMS, Delivery

__all__ = ["SYSTEMS", "Delivery"]
