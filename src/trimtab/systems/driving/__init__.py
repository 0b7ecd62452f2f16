"""Driving: lane and speed in the traffic of highway-env."""

from trimtab.systems.driving.environment import HIGHWAY, SYSTEMS, Driving

__all__ = ["HIGHWAY", "SYSTEMS", "Driving"]
