"""How agents learn to run a system, unless told otherwise: the same for every system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trimtab.errors import ControlError
from trimtab.space import Settings

SEGMENTS = 20
"""A budget is cut into so many segments, after each of which the policy is judged and kept."""
STRAYING_SHARE = 0.6
"""By this share of the budget agents have come to stray as little as they will."""
LEAST_STRAYING = 0.02
FIRST_STRAYING = {True: 0.3, False: 1.0}
"""How often agents stray at first: by whether they begin at a rule."""
RATES = {"dqn": 1e-3, "neural": 1e-3, "q-learning": 0.2, "sarsa": 0.2}
LAST_RATE = 0.1
"""The rate falls in a straight line to this share of itself."""

_DQN: Mapping[str, Any] = {
    "hidden": (128, 128),
    "gamma": 0.98,
    "n_step": 5,
    "batch_size": 64,
    "buffer": 50_000,
    "learning_starts": 200,
    "target_every": 200,
    "gradient_steps": 1,
}
_ADVISED: Mapping[str, Any] = {"members": 5, "bootstrap": 0.8, "prior_scale": 0.0, "cautious": True}
"""Of a DQN that begins at a rule: an ensemble that leaves the rule's move only where all agree that another is better."""
_TABLE: Mapping[str, Any] = {"gamma": 0.98}
_NEURAL: Mapping[str, Any] = {name: value for name, value in _DQN.items() if name not in ("gamma", "n_step")}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "dqn": _DQN,
    "q-learning": _TABLE,
    "sarsa": _TABLE,
    "neural": _NEURAL,
    "linear": {},
    "bernoulli": {},
    "random": {},
}


def options_of(agent: str, given: Mapping[str, Any], *, agents: int, advised: bool) -> dict[str, Any]:
    """Return the options of ``agent``, ``given`` ones laid over the defaults; ``agents`` share a learner at the most.

    However many share it, it makes a step of gradient descent for each step of the system.
    """
    if agent not in DEFAULTS:
        raise ControlError(f"agent: expected one of {', '.join(map(repr, DEFAULTS))}, got {agent!r}")
    shared = {"train_every": agents} if agent in ("dqn", "neural") else {}
    return {**DEFAULTS[agent], **shared, **(_ADVISED if advised else {}), **given}


def plan(agent: str, *, advised: bool, rate: float | None = None) -> Callable[[int, int], Settings]:
    """Return the settings of segment ``index`` of ``segments``."""
    first, rate = FIRST_STRAYING[advised], RATES.get(agent, 1.0) if rate is None else rate

    def settings(index: int, segments: int) -> Settings:
        done = index / max(1, segments - 1)
        exploration = max(LEAST_STRAYING, first + (LEAST_STRAYING - first) * done / STRAYING_SHARE)
        falling = 1.0 if agent not in ("dqn", "neural") else 1.0 + (LAST_RATE - 1.0) * done
        return Settings({"rate": rate * falling, "exploration": exploration})

    return settings
