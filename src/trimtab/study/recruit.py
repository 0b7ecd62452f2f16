"""Which agents a study takes on by name, and with what options: the one place where learners meet the training of networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trimtab import agents
from trimtab.agents.protocol import Agent
from trimtab.env import feature_names
from trimtab.errors import StudyError
from trimtab.policy.advice import Adviser
from trimtab.policy.policy import Policy
from trimtab.space import Keep, Space

ADVISED = "pilot"
"""The team that begins at the shipped policy: a DQN that is told what the policy thinks of moves, and learns where it errs."""

KEEP_PREFERENCE = 0.05
"""A change must promise at least this much more, in log error, than leaving a setting: doing nothing is a sound schedule."""

STRAYING = (0.02, 0.005, 400)
"""A head strays with a probability that falls from 2 to 0.5 % over 400 segments: a run must not be spoiled for curiosity.

What other moves are worth is learned from forks, which always try something else from the same weights and the same seed.
"""

TABLE_COLUMNS = {"progress": (0.0, 1.0, 3), "error change": (-0.1, 0.05, 3)}
"""What the tabular agents see of a run: feature → low, high, bins. They see the first live hyperparameter too, in 6 bins."""


def recruit(name: str, space: Space, *, seed: int) -> Agent:
    """Return the team ``name`` for the live hyperparameters of ``space``: one head for each."""
    if name not in _OPTIONS:
        known = ", ".join(map(repr, _OPTIONS))
        raise StudyError(f"agent: expected one of {known} or a function (features, heads, seed) -> Agent, got {name!r}")
    if not space.live:
        raise StudyError("space: expected at least one live hyperparameter for the agents to change, got none")
    features, kind = len(feature_names(space)), "dqn" if name == ADVISED else name
    if name == ADVISED:
        features += len(space.heads) * max(space.heads)
    return agents.make(kind, features=features, heads=space.heads, seed=seed, **_OPTIONS[name](space))


def adviser(name: str, space: Space) -> Adviser | None:
    """Return who advises the team ``name``: the shipped policy, where it is "pilot"."""
    return Adviser(Policy.load(), space) if name == ADVISED else None


def _dqn_options(space: Space) -> dict[str, Any]:
    return {
        "hidden": (64, 64),
        "members": 5,
        "n_step": 5,
        "gamma": 1.0,
        "lr": 1e-3,
        "batch_size": 64,
        "buffer": 20_000,
        "learning_starts": 16,
        "train_every": 1,
        "gradient_steps": 2,
        "target_every": 50,
        "coordination": "value-decomposition",
        # few segments, many moves: what a single member dreams up is not yet a reason to change what works
        "prior": _prior(space),
        "prior_scale": 0.005,
        "bootstrap": 0.8,
        "references": space.keep(),
        "exploration": agents.EpsilonGreedy(*STRAYING),
    }


def _pilot_options(space: Space) -> dict[str, Any]:
    # the advice says of every move what it is worth beside leaving things alone: there is nothing to be preferred beside it
    return {**_dqn_options(space), "prior": None, "advised": True}


def _table_options(space: Space) -> dict[str, Any]:
    names = feature_names(space)
    columns = dict(TABLE_COLUMNS)
    first = next(name for name in names if name.split("[")[0] in space.live)
    columns[first] = (0.0, 1.0, 6)
    low, high, bins = zip(*columns.values(), strict=True)
    table = agents.Discretiser(low, high, bins, tuple(names.index(column) for column in columns))
    exploration = agents.EpsilonGreedy(*STRAYING)
    return {"alpha": 0.2, "gamma": 1.0, "discretiser": table, "exploration": exploration, "initial": _prior(space)}


def _prior(space: Space) -> list[np.ndarray]:
    """Return the value of every move before anything is learned: to keep is preferred."""
    return [
        np.array([0.0 if isinstance(move, Keep) else -KEEP_PREFERENCE for move in space[name].moves]) for name in space.live
    ]


_OPTIONS: dict[str, Callable[[Space], dict[str, Any]]] = {
    ADVISED: _pilot_options,
    "dqn": _dqn_options,
    "sarsa": _table_options,
    "q-learning": _table_options,
    "random": lambda _: {},
}
