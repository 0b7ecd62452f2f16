"""From an ensemble that has learned to the policy file that ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from trimtab.metatraining.fitting import Worths
from trimtab.policy.archive import PolicyFile, write
from trimtab.policy.levers import HEADS, NAMES
from trimtab.policy.sight import FEATURES


def policy_bytes(worths: Worths, card: Mapping[str, Any]) -> bytes:
    """Return the file of the policy that acts by ``worths``; ``card`` says how it was learned."""
    file = PolicyFile(
        features=FEATURES,
        levers=NAMES,
        arrays=worths.arrays,
        architecture=asdict(worths.architecture),
        scale=1.0,
        prior=((0.0,) * max(HEADS),) * len(HEADS),
        prior_scale=0.0,
        card=card,
    )
    return write(file)
