"""Learners over factored discrete actions. They know nothing of what they steer: they learn CartPole as well.

    agent = make("dqn", features=4, heads=(2,), seed=0)
    train(agent, gymnasium.make("CartPole-v1"), steps=50_000, seed=0)
    evaluate(agent, gymnasium.make("CartPole-v1"), episodes=100, seed=1)

Names are loaded when they are first used: a table does not need torch, and a study's records need neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trimtab.agents.bernoulli import BernoulliBandit
    from trimtab.agents.contract import AgentContract
    from trimtab.agents.discretiser import Discretiser, IntegerStates
    from trimtab.agents.dqn import DQNAgent
    from trimtab.agents.exploration import UCB, Boltzmann, EpsilonGreedy, Exploration, Prospect, Thompson
    from trimtab.agents.gym import AgentEnv, TrainingCurve, adapt, evaluate, train
    from trimtab.agents.linear import LinearBandit, LinearOptions
    from trimtab.agents.options import DQNOptions
    from trimtab.agents.protocol import Agent, Decision, Masks, Transition
    from trimtab.agents.random_agent import RandomAgent
    from trimtab.agents.registry import decode, make
    from trimtab.agents.tabular import TabularAgent, TabularOptions

_HOMES = {
    "bernoulli": ("BernoulliBandit",),
    "contract": ("AgentContract",),
    "discretiser": ("Discretiser", "IntegerStates"),
    "dqn": ("DQNAgent",),
    "exploration": ("Boltzmann", "EpsilonGreedy", "Exploration", "Prospect", "Thompson", "UCB"),
    "gym": ("AgentEnv", "TrainingCurve", "adapt", "evaluate", "train"),
    "linear": ("LinearBandit", "LinearOptions"),
    "options": ("DQNOptions",),
    "protocol": ("Agent", "Decision", "Masks", "Transition"),
    "random_agent": ("RandomAgent",),
    "registry": ("decode", "make"),
    "tabular": ("TabularAgent", "TabularOptions"),
}
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "Agent",
    "AgentContract",
    "AgentEnv",
    "BernoulliBandit",
    "Boltzmann",
    "DQNAgent",
    "DQNOptions",
    "Decision",
    "Discretiser",
    "EpsilonGreedy",
    "Exploration",
    "IntegerStates",
    "LinearBandit",
    "LinearOptions",
    "Masks",
    "Prospect",
    "RandomAgent",
    "TabularAgent",
    "TabularOptions",
    "Thompson",
    "TrainingCurve",
    "Transition",
    "UCB",
    "adapt",
    "decode",
    "evaluate",
    "make",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value
