"""The hyperparameters of a study, and what Stable-Baselines3 is given for them beside what is published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trimtab as tt
from examples.reinforcement.zoo import PUBLISHED

BOTH = {
    "lr": tt.Float(1e-5, 1e-2, log=True),
    "batch_size": tt.Int(16, 256, log=True),
    "discount": tt.Float(0.9, 0.999),
    "width": tt.Int(16, 256, log=True, live=False),
}
SPACES = {
    "ppo": tt.Space(**BOTH, entropy=tt.Float(0.0, 0.05), clip_range=tt.Float(0.05, 0.4)),
    "dqn": tt.Space(**BOTH, exploration=tt.Float(0.01, 0.3, log=True)),
}
NAMES = {"lr": "learning_rate", "discount": "gamma", "entropy": "ent_coef", "exploration": "exploration_final_eps"}
"""What Stable-Baselines3 calls those that it has another name for."""
UNSAID: Mapping[str, Any] = {"learning_rate": 3e-4, "clip_range": 0.2, "gamma": 0.99, "policy_kwargs": {"net_arch": [64]}}
"""What it takes by itself, which is meant where nothing is published."""


def default(environment: str, algorithm: str) -> tt.Settings:
    """Return the published settings, as far as the space has them."""
    published = {**UNSAID, **PUBLISHED[environment, algorithm]}
    values = {name: published[NAMES.get(name, name)] for name in SPACES[algorithm] if name != "width"}
    plain = {name: float(value.removeprefix("lin_")) if isinstance(value, str) else value for name, value in values.items()}
    return tt.Settings(**plain, width=published["policy_kwargs"]["net_arch"][0])


def fixed(environment: str, algorithm: str) -> dict[str, Any]:
    """Return what is published and given to Stable-Baselines3 once: neither a hyperparameter here nor the length of a run."""
    own = {"n_timesteps", "n_envs", "policy_kwargs", *(NAMES.get(name, name) for name in SPACES[algorithm])}
    return {name: value for name, value in PUBLISHED[environment, algorithm].items() if name not in own}


def effective(environment: str, algorithm: str, segment: tt.Segment) -> dict[str, Any]:
    """Return what ``segment`` is trained with, by the names of Stable-Baselines3.

    What falls along a line where it is published falls here in steps, and stands at the line's height in the middle of the
    segment: rate and clip range to zero over the run where they are given as "lin_", ε from 1 to ``exploration``.
    """
    published = PUBLISHED[environment, algorithm]
    settings = {**default(environment, algorithm), **segment.settings}
    values = {NAMES.get(name, name): value for name, value in settings.items() if name != "width"}
    done = sum(segment.progress) / 2
    falling = {name: value * (1 - done) for name, value in values.items() if isinstance(published.get(name), str)}
    if algorithm == "dqn":
        left = max(0.0, 1 - done / published["exploration_fraction"])
        falling["exploration_final_eps"] = left + (1 - left) * settings["exploration"]
    return {**values, **falling}
