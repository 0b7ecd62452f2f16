"""Losses as a policy can compare them: above zero, so that their logarithms are there. Some losses are not."""

from __future__ import annotations

import math
from typing import Any


class LossScale:
    """Turns the losses of one training into numbers above zero, in the same order.

    As long as all of them are above zero they are left as they are. From the first that is not, a loss ℓ counts as
    exp((ℓ − first) / unit), the unit being the largest of the losses told with it and with the first, sign aside.
    """

    def __init__(self) -> None:
        self.first = math.nan
        self.unit = math.nan

    def switches(self, *losses: float) -> bool:
        """Return whether ``losses``, NaN where not told, end the time in which all were above zero."""
        known = [loss for loss in losses if math.isfinite(loss)]
        if math.isnan(self.first) and known:
            self.first = known[-1]
        if not math.isnan(self.unit) or not any(loss <= 0 for loss in known):
            return False
        self.unit = max(abs(loss) for loss in (self.first, self.first - min(known), *known)) or 1.0
        return True

    def __call__(self, loss: float) -> float:
        """Return ``loss`` as it counts; NaN and infinity stay what they are."""
        if math.isnan(self.unit) or not math.isfinite(loss):
            return loss
        return math.exp(min(max((loss - self.first) / self.unit, -700.0), 700.0))

    def state_dict(self) -> dict[str, Any]:
        return {"first": self.first, "unit": self.unit}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.first, self.unit = state["first"], state["unit"]
