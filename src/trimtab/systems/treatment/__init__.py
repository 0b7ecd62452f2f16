"""Treatment: insulin for virtual people with type 1 diabetes, on simglucose. Research, not a device."""

from trimtab.systems.treatment.environment import SYSTEMS, Insulin

__all__ = ["SYSTEMS", "Insulin"]
