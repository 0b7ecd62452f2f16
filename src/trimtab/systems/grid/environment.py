"""Topology of IEEE's 14-bus grid: which elements of a substation are on which busbar, when a line is loaded too much.

What goes by itself is in ``room``, what may be done in ``splits``, what is seen in ``view``, what operators do in ``rules``.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.grid.days import EXTRA, Stress, draw
from trimtab.systems.grid.flows import Flows
from trimtab.systems.grid.room import Room
from trimtab.systems.grid.rules import RULES
from trimtab.systems.grid.splits import Split, splits
from trimtab.systems.grid.view import CHOICES, FEATURES, Choice, choices, observe
from trimtab.systems.system import Split as Part
from trimtab.systems.system import System, checked_render_mode

STRESS = Stress(scale=(0.95, 1.1), outages=(1, 3))
THRESHOLD = 0.9
"""Load of a line, 1 at its limit, at which somebody decides."""
Action: TypeAlias = int | np.integer[Any] | Split


class Topology(gymnasium.Env[np.ndarray, Action]):
    """A day of a split, drawn with its outages. An action is an index into ``choices``; rules may name any legal Split."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, part: Part, *, render_mode: str | None = None) -> None:
        self.part: Part = part
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(CHOICES)
        self.room = Room("l2rpn_case14_sandbox", THRESHOLD)
        self.candidates = splits(self.room.grid)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        self.room.begin(draw(self.part, STRESS, generator(drawn, self.part, "day")))
        self._look()
        return self._observe(), self._info({})

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        overload = self.room.act(self.change(action))
        self._look()
        lost = self.room.lost
        costs = {"not survived": lost, "overload": overload, "survived": float(self.room.survived)}
        return self._observe(), -lost / 100, self.room.over, False, self._info(costs)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What an agent may choose among now."""
        return self._choices

    def legal(self) -> tuple[Split, ...]:
        """Return the splits that may be made now, and change something."""
        seen = self.room.seen
        return tuple(
            split
            for split in self.candidates
            if seen.time_before_cooldown_sub[split.sub] == 0 and _differs(split, seen.topo_vect)
        )

    def change(self, action: Action) -> dict[str, Any]:
        """Return the change of Grid2Op that ``action`` is."""
        if not isinstance(action, Split) and action not in np.flatnonzero(self._mask()):
            raise ControlError(f"action: expected one of {np.flatnonzero(self._mask()).tolist()} or a Split, got {action!r}")
        split = action if isinstance(action, Split) else self._choices[int(action)].split
        return {} if split is None else split.change(self.room.seen.topo_vect)

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.grid.picture import picture

        return picture(self.room)

    def close(self) -> None:
        self.room.close()

    def _look(self) -> None:
        self._choices = () if self.room.over else choices(Flows(self.room.grid), self.legal(), self.room.seen)

    def _mask(self) -> np.ndarray:
        return np.arange(CHOICES) < len(self._choices)

    def _observe(self) -> np.ndarray:
        return observe(self.room.seen, self.room.time, self._choices, self.room.trend)

    def _info(self, costs: dict[str, float]) -> dict[str, Any]:
        return {"costs": costs, "action_mask": self._mask()}


def _differs(split: Split, topology: np.ndarray) -> bool:
    now = topology[list(split.places)]
    return bool((now[now > 0] != np.array(split.busbars)[now > 0]).any())


SYSTEMS: tuple[System, ...] = (
    System(
        name="grid/case14",
        about="the topology of IEEE's 14-bus grid, a day with lines that fail",
        make=Topology,
        rules=RULES,
        trusted="secure",
        cost="not survived",
        unit="% of the day",
        extra=EXTRA,
        episodes=500,
    ),
)
