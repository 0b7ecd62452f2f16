"""What an engineer would try first: linear feedback for the pole, the transposed Jacobian for the arm, and no torque at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab.systems.system import Act

GAINS = np.array([0.5, 9.0, 1.0, 1.5])
"""Of position, angle, speed and angular speed: a stable linear feedback of the pole, found by hand."""
LENGTHS = (0.1, 0.11)
"""Of the arm's two links, in metres, the second to the tip of the finger."""
PULL, DAMPING = 20.0, 0.1
"""The best of six pairs on thirty episodes of the training split."""


def rest(env: Any) -> Act:
    """Apply no torque."""
    nothing = np.zeros(env.action_space.shape, dtype=np.float32)
    return lambda _: nothing


def balance(env: Any) -> Act:
    """Push the cart in proportion to where it and its pole are, and how fast they move."""
    return lambda seen: np.clip([GAINS @ seen], env.action_space.low, env.action_space.high).astype(np.float32)


def reach(env: Any) -> Act:
    """Pull the finger towards the target as a spring would, by the transposed Jacobian, and brake the joints.

    Sciavicco & Siciliano 1988, the transposed-Jacobian control of a manipulator.
    """
    return lambda seen: np.clip(torques(seen), env.action_space.low, env.action_space.high).astype(np.float32)


def torques(seen: np.ndarray) -> np.ndarray:
    """Return the torques of both joints, shape (2,), before they are clipped; ``seen``: an observation of Reacher, (10,)."""
    first, second = np.arctan2(seen[2], seen[0]), np.arctan2(seen[3], seen[1])
    near, far = LENGTHS
    both = first + second
    jacobian = np.array(
        [
            [-near * np.sin(first) - far * np.sin(both), -far * np.sin(both)],
            [near * np.cos(first) + far * np.cos(both), far * np.cos(both)],
        ]
    )
    towards = -seen[8:10]
    return PULL * jacobian.T @ towards - DAMPING * seen[6:8]
