"""From an agent that has learned to the policy file that ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from trimtab.agents import DQNAgent
from trimtab.metatraining.learning import KEEP_PREFERENCE
from trimtab.policy.archive import PolicyFile, write
from trimtab.policy.levers import HEADS, KEEP, NAMES
from trimtab.policy.sight import FEATURES


def prior() -> list[list[float]]:
    """Return the value of every move before anything is learned, by head, padded to the longest: to keep is preferred."""
    rows = np.zeros((len(HEADS), max(HEADS)))
    for row, moves, keep in zip(rows, HEADS, KEEP, strict=True):
        row[:moves] = np.where(np.arange(moves) == keep, 0.0, -KEEP_PREFERENCE)
    return rows.tolist()


def policy_bytes(agent: DQNAgent, card: Mapping[str, Any]) -> bytes:
    """Return the file of the policy that ``agent`` has learned; ``card`` says how."""
    rows = tuple(tuple(map(float, row)) for row in prior())
    file = PolicyFile(
        features=FEATURES,
        levers=NAMES,
        arrays=agent.weights(averaged=True),
        architecture=asdict(agent.architecture),
        scale=agent.reward_scale,
        prior=rows,
        prior_scale=agent.options.prior_scale,
        card=card,
    )
    return write(file)
