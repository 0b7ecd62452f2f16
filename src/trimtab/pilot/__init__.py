"""One training, steered live by a pretrained policy: a drop-in for a learning-rate scheduler."""

from trimtab.pilot.history import Entry
from trimtab.pilot.knobs import Knob
from trimtab.pilot.live_loader import LiveLoader
from trimtab.pilot.pilot import Pilot

__all__ = ["Entry", "Knob", "LiveLoader", "Pilot"]
