"""The signals of a junction while they run: which phase is green since when, and changes with yellow between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trimtab.errors import ControlError
from trimtab.systems.sumo import Sumo
from trimtab.systems.traffic.junction import Junction, changeover

MINIMUM_GREEN = 5.0
"""Seconds."""
_ACTUATED = 3
"""SUMO's number of the type."""


@dataclass(frozen=True, slots=True)
class Step:
    """A green phase of a program: its index, and its seconds. ``shortest``, ``longest``: where it is actuated."""

    phase: int
    seconds: float
    shortest: float = MINIMUM_GREEN
    longest: float = 50.0


@dataclass(frozen=True, slots=True)
class Program:
    """An action by which a junction runs by itself until another action: green phases in a circle.

    ``kind``: "own": the network's program, without steps; "static": steps of fixed length; "actuated": SUMO's, where a
    phase ends when no vehicle has come for ``gap`` seconds (https://sumo.dlr.de/docs/Simulation/Traffic_Lights.html).
    """

    kind: Literal["own", "static", "actuated"]
    steps: tuple[Step, ...] = ()
    gap: float = 3.0


class Signal:
    """The signals of ``junction`` in ``run``."""

    def __init__(self, junction: Junction, run: Sumo, now: float) -> None:
        self.junction = junction
        self.run = run
        self.by_itself = True
        self.phase = 0
        self.since = now
        self.last_green = np.full(len(junction.phases), now)
        """When each phase was last green, in seconds of the day."""
        self.due: float | None = None
        """When the yellow is over, while there is one."""

    def mask(self, now: float) -> np.ndarray:
        """Return which phases may be next: all, or only the present one as long as its shortest green lasts."""
        if self.by_itself or now - self.since >= MINIMUM_GREEN:
            return np.ones(len(self.junction.phases), dtype=bool)
        return np.arange(len(self.junction.phases)) == self.phase

    def order(self, action: object, now: float) -> None:
        """Begin what ``action`` wants: a phase; a program; or None, to go on by itself."""
        if isinstance(action, Program):
            self._install(action)
        elif action is None:
            if not self.by_itself:
                self._install(Program("own"))
        else:
            self._change(self._checked(action, now), now)

    def settle(self, now: float) -> None:
        """Take in that it is ``now``: a yellow may be over, a program may have gone on."""
        if self.due is not None and now >= self.due:
            self.run.api.trafficlight.setRedYellowGreenState(self.junction.name, self.junction.phases[self.phase])
            self.due, self.since = None, now
        if self.by_itself:
            state = self.run.api.trafficlight.getRedYellowGreenState(self.junction.name)
            if state in self.junction.phases and self.junction.phases.index(state) != self.phase:
                self.phase, self.since = self.junction.phases.index(state), now
        self.last_green[self.phase] = now

    def _checked(self, action: object, now: float) -> int:
        allowed = np.flatnonzero(self.mask(now)).tolist()
        if not isinstance(action, int | np.integer) or int(action) not in allowed:
            raise ControlError(
                f"actions[{self.junction.name!r}]: expected one of {allowed} (or a Program, or None), got {action!r}"
            )
        return int(action)

    def _change(self, phase: int, now: float) -> None:
        lights, name = self.run.api.trafficlight, self.junction.name
        state, wanted = lights.getRedYellowGreenState(name), self.junction.phases[phase]
        if phase == self.phase and not self.by_itself:
            return
        self.by_itself, self.phase = False, phase
        between = changeover(state, wanted) if state != wanted else wanted
        lights.setRedYellowGreenState(name, between)
        if "y" in between:
            self.due = now + self.junction.yellow
        else:
            lights.setRedYellowGreenState(name, wanted)
            self.since = now

    def _install(self, program: Program) -> None:
        lights, name = self.run.api.trafficlight, self.junction.name
        self.by_itself, self.due = True, None
        if program.kind == "own":
            lights.setProgram(name, "0")
            return
        number = _ACTUATED if program.kind == "actuated" else 0
        lights.setProgramLogic(name, lights.Logic(program.kind, number, 0, self._phases(program)))
        if program.kind == "actuated":
            lights.setParameter(name, "max-gap", str(program.gap))

    def _phases(self, program: Program) -> list[object]:
        """Return the phases of ``program`` as SUMO has them, yellow between."""
        make, states, found = self.run.api.trafficlight.Phase, self.junction.phases, list[object]()
        for place, step in enumerate(program.steps):
            following = program.steps[(place + 1) % len(program.steps)]
            found.append(make(step.seconds, states[step.phase], step.shortest, step.longest))
            if "y" in (between := changeover(states[step.phase], states[following.phase])):
                found.append(make(self.junction.yellow, between, self.junction.yellow, self.junction.yellow))
        return found
