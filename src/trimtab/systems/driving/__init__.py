"""Driving: lane and speed in the traffic of highway-env."""

from trimtab.systems.driving import parking, racetrack, roundabout
from trimtab.systems.driving.environment import HIGHWAY, STRAIGHT, Driving

SYSTEMS = (*STRAIGHT, roundabout.SYSTEM, racetrack.SYSTEM, parking.SYSTEM)

__all__ = ["HIGHWAY", "SYSTEMS", "Driving"]
