"""A control room: a day in Grid2Op that goes by itself until a line is loaded too much, and somebody has to decide.

What needs no thought is done all the time, whoever decides: lost lines are connected again as soon as they may be.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from trimtab.systems.grid.days import MOMENTS, OUTAGE, Scenario, grid2op, measured

STEPS = MOMENTS - 1
"""Of a day: from its first moment to its last."""
_RULES_OF_L2RPN = {
    "NB_TIMESTEP_COOLDOWN_LINE": 3,
    "NB_TIMESTEP_COOLDOWN_SUB": 3,
    "NB_TIMESTEP_OVERFLOW_ALLOWED": 3,
    "NB_TIMESTEP_RECONNECTION": 12,
}
"""After a change, a line or a substation rests for so many moments; a line overloaded for more than three is lost for an hour.
The rest are Grid2Op's defaults: one substation and one line a moment, and at twice its limit a line is lost at once."""

_HOUR = 12
"""Moments."""


class Room:
    """Days of the grid ``name`` of Grid2Op; ``threshold``: the load of a line, 1 at its limit, at which somebody decides."""

    def __init__(self, name: str, threshold: float) -> None:
        self.name = name
        self.threshold = threshold
        self.grid = _grid(name)
        self.seen: Any = None
        self.time, self.over, self.broken = 0, False, False
        self.log: list[np.ndarray] = []

    def begin(self, scenario: Scenario) -> None:
        """Begin the day of ``scenario``, at its first moment."""
        series, day = self.grid.chronics_handler.real_data, scenario.day
        series.change_chronics(day.load_p, day.load_q, day.prod_p, day.prod_v)
        # Grid2Op has no public way to say what is lost at which moment, but reads these
        series.hazards, series.hazard_duration = _hazards(scenario, self.grid.n_line)
        series.has_hazards = True
        self.scenario = scenario
        self.seen = self.grid.reset()
        self.time, self.over, self.broken = 0, False, False
        self.log = [self.seen.rho.copy()]

    def act(self, change: Mapping[str, Any]) -> float:
        """Change the grid, let time go on until there is something to decide, and return the loads above limits, summed up."""
        overload = self._step(change)
        return overload + self._wait()

    def foreseen(self, change: Mapping[str, Any]) -> float:
        """Return the highest load of a line that Grid2Op's power flow gives after ``change``, all else as it is now."""
        seen, _, broken, _ = self.seen.simulate(self._action(change), time_step=0)
        tripped = broken or bool((self.seen.line_status & ~seen.line_status).any())
        return float("inf") if tripped else float(seen.rho.max())

    @property
    def lost(self) -> float:
        """Percent of the day for which there was no supply."""
        return 100 * (STEPS - self.time + 1) / STEPS if self.broken else 0.0

    @property
    def survived(self) -> bool:
        """Whether the day was brought to its end."""
        return self.over and not self.broken

    @property
    def trend(self) -> float:
        """Megawatts by which the whole load grew in the last hour."""
        hour_ago = self.scenario.day.load_p[max(0, self.time - _HOUR)].sum()
        return float(self.seen.load_p.sum() - hour_ago) if not self.over else 0.0

    def close(self) -> None:
        """Let go of the grid."""
        self.grid.close()

    def _wait(self) -> float:
        overload = 0.0
        while not self.over and self.seen.rho.max() < self.threshold:
            overload += self._step({})
        return overload

    def _step(self, change: Mapping[str, Any]) -> float:
        self.seen, _, self.broken, _ = self.grid.step(self._action(change))
        self.time += 1
        self.over = self.broken or self.time >= STEPS
        self.log.append(self.seen.rho.copy())
        return float(np.maximum(self.seen.rho - 1, 0).sum())

    def _action(self, change: Mapping[str, Any]) -> Any:
        back = np.flatnonzero(~self.seen.line_status & (self.seen.time_before_cooldown_line == 0))
        lines = {"set_line_status": [(int(back[0]), 1)]} if len(back) else {}
        return self.grid.action_space({**change, **lines})


def _hazards(scenario: Scenario, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which line is out at which moment, and for how many more; shapes (MOMENTS, lines)."""
    left = np.zeros((MOMENTS, lines), dtype=np.int32)
    for outage in scenario.outages:
        end = min(MOMENTS, outage.start + OUTAGE)
        left[outage.start : end, outage.line] = outage.start + OUTAGE - np.arange(outage.start, end)
    return left > 0, left


def _grid(name: str) -> Any:
    module = grid2op()
    from grid2op.Action import PlayableAction
    from grid2op.Chronics import FromNPY
    from grid2op.Parameters import Parameters

    parameters, day = Parameters(), measured("0000/0")
    parameters.init_from_dict(_RULES_OF_L2RPN)
    data = {"load_p": day.load_p, "load_q": day.load_q, "prod_p": day.prod_p, "prod_v": day.prod_v}
    with warnings.catch_warnings():
        # that it is the small data set which comes with the package is what is wanted
        warnings.simplefilter("ignore")
        return module.make(
            name,
            test=True,
            backend=_power_flow(),
            param=parameters,
            action_class=PlayableAction,
            chronics_class=FromNPY,
            data_feeding_kwargs=data,
            logger=logging.getLogger(__name__),
        )


def _power_flow() -> Any:
    """Return lightsim2grid, which gives the same flows as PandaPower in a thirtieth of the time, or without it PandaPower."""
    try:
        from lightsim2grid import LightSimBackend
    except ModuleNotFoundError:
        from grid2op.Backend import PandaPowerBackend

        return PandaPowerBackend()
    return LightSimBackend()
