"""Which agents a study takes on by name, and with what options: the one place where learners meet the training of networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from trimtab import agents
from trimtab.agents.protocol import Agent
from trimtab.env import feature_names
from trimtab.errors import StudyError
from trimtab.space import Keep, Space

AGENTS = ("dqn", "sarsa", "q-learning", "random")

KEEP_PREFERENCE = 0.02
"""A change must promise at least this much more, in log error, than leaving a setting: doing nothing is a sound schedule."""

TABLE_COLUMNS = {"progress": (0.0, 1.0, 3), "error change": (-0.1, 0.05, 3)}
"""What the tabular agents see of a run: feature → low, high, bins. They see the first live hyperparameter too, in 6 bins."""


def recruit(name: str, space: Space, *, seed: int) -> Agent:
    """Return the team ``name`` for the live hyperparameters of ``space``: one head for each."""
    if name not in AGENTS:
        raise StudyError(
            f"agent: expected one of {', '.join(map(repr, AGENTS))} or a function (features, heads, seed) -> Agent, got {name!r}"
        )
    options: dict[str, dict[str, Any]] = {
        "dqn": _dqn_options(space),
        "sarsa": _table_options(space),
        "q-learning": _table_options(space),
        "random": {},
    }
    return agents.make(name, features=len(feature_names(space)), heads=space.heads, seed=seed, **options[name])


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
        "gradient_steps": 4,
        "target_every": 50,
        "coordination": "value-decomposition",
        "exploration": agents.EpsilonGreedy(start=0.2, end=0.05, steps=400),
        "prior": _prior(space),
    }


def _table_options(space: Space) -> dict[str, Any]:
    names = feature_names(space)
    columns = dict(TABLE_COLUMNS)
    first = next(name for name in names if name.split("[")[0] in space.live)
    columns[first] = (0.0, 1.0, 6)
    low, high, bins = zip(*columns.values(), strict=True)
    table = agents.Discretiser(low, high, bins, tuple(names.index(column) for column in columns))
    exploration = agents.EpsilonGreedy(start=0.2, end=0.05, steps=400)
    return {"alpha": 0.2, "gamma": 1.0, "discretiser": table, "exploration": exploration, "initial": _prior(space)}


def _prior(space: Space) -> list[np.ndarray]:
    """Return the value of every move before anything is learned: to keep is preferred."""
    return [np.array([0.0 if isinstance(move, Keep) else -KEEP_PREFERENCE for move in space[name].moves]) for name in space.live]
