"""Robot control: joint torques, on MuJoCo."""

from trimtab.systems.robots.environment import SYSTEMS, Robot

__all__ = ["SYSTEMS", "Robot"]
