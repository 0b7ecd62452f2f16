"""A system that agents can run: how its environment is made, and the rules that practitioners trust with it.

Environments are those of Gymnasium (one agent), or parallel ones in the way of PettingZoo: ``possible_agents``,
``observation_space(agent)``, ``action_space(agent)``, ``reset(seed)`` and ``step(actions)`` with dicts by agent.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, TypeAlias

from trimtab.errors import ControlError, MissingExtraError

Split: TypeAlias = Literal["train", "validation", "test"]
Act: TypeAlias = Callable[[Any], Any]
"""From an observation to an action, both as the environment has them (dicts by agent where it is a parallel one)."""
Rule: TypeAlias = Callable[[Any], Act]
"""Called with the environment after every reset; returns how to act in that episode. It may read all that is simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system on one instance.

    ``name``: "traffic/cologne1". ``make``: returns an environment whose episodes are those of a split: what is drawn from the
    seed, and where there are such, other days, buildings, patients or weather than in the other splits.
    Each step's ``info["costs"]`` holds named costs to be added up over an episode (in a parallel environment over agents too);
    ``cost`` names the one that is to be low. ``unit`` is what it is counted in. The rewards should add up to about minus that
    cost, on any scale. ``info["action_mask"]``, where there is one, says which moves are allowed: an array, or one a head.
    ``rules``: what practitioners use, by name; ``trusted``: the one that a policy may begin at, if there is one.
    ``extra``: the optional dependencies that the simulator needs, as in ``pip install 'trimtab[extra]'``.
    """

    name: str
    about: str
    make: Callable[[Split], Any]
    rules: Mapping[str, Rule]
    trusted: str | None
    cost: str
    unit: str
    extra: str
    bins: int = 5
    """Values that each dimension of a continuous action is cut into."""
    episodes: int = 100
    """A budget that is enough to learn something."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the agent, where this system was tuned by itself; the defaults are the same for all systems."""


def simulator(module: str, extra: str) -> ModuleType:
    """Return the imported ``module`` of a simulator; where it is not installed, an error names the extra that has it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(f"this system runs on {module}: pip install 'trimtab[{extra}]'") from None


def checked_render_mode(render_mode: str | None) -> str | None:
    """Return ``render_mode`` if environments have it: they draw pictures as arrays, or nothing."""
    if render_mode not in (None, "rgb_array"):
        raise ControlError(f"render_mode: expected None or 'rgb_array', got {render_mode!r}")
    return render_mode
