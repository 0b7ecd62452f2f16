"""The rules that hold in learning and in use alike: when a policy looks, and what happens to a training that diverges."""

from __future__ import annotations

import math

EARLY_STEPS = 4
"""Steps of the first segment after which the policy looks again."""
LOOKS_BEFORE = 2
"""Decisions before the first step: two moves reach twenty-five times the sane rate, or a twenty-fifth of it."""
BROKEN = math.log(10.0)
"""A loss that is so much above the start (in logarithms), or not finite, is a divergence: the training goes back."""
RETREAT = 5.0
"""By this the rate is divided after a divergence."""
