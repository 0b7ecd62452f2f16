"""One training, steered live by a pretrained policy: a drop-in for a learning-rate scheduler."""

from trimtab.pilot.history import Entry
from trimtab.pilot.pilot import Pilot

__all__ = ["Entry", "Pilot"]
