"""How practitioners run signals, tuned on training days alone (benchmarks/systems_suite/traffic_tuning.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trimtab.systems.system import Act, Rule
from trimtab.systems.traffic.plans import fewest, green_times
from trimtab.systems.traffic.pressure import pressures, queues
from trimtab.systems.traffic.signal import MINIMUM_GREEN, Program, Signal, Step
from trimtab.systems.traffic.survey import Counts

Counted = Literal["standing", "all"]


@dataclass(frozen=True, slots=True)
class Webster:
    """Fixed times from the demand of the published day. ``stretch``: of the cycle that Webster's formula gives."""

    stretch: float = 1.0

    def __call__(self, env: Any) -> Act:
        hours = env.place.horizon / 3600
        programs = {
            each.name: Program("static", green_times(each, env.published.journeys, hours, stretch=self.stretch))
            for each in env.junctions
        }
        return _once(programs)


@dataclass(frozen=True, slots=True)
class Actuated:
    """SUMO's actuated signals. ``shortest``, ``longest``: greens, ``gap``: seconds without a vehicle that end one.

    ``thrifty``: of the phases only as many as it takes to serve everybody, those of Webster's plan.
    """

    shortest: float = 5.0
    longest: float = 50.0
    gap: float = 3.0
    thrifty: bool = False

    def __call__(self, env: Any) -> Act:
        hours = env.place.horizon / 3600
        programs: dict[str, Program] = {}
        for each in env.junctions:
            chosen = fewest(each, env.published.journeys, hours) if self.thrifty else range(len(each.phases))
            steps = tuple(Step(phase, self.shortest, self.shortest, self.longest) for phase in chosen)
            programs[each.name] = Program("actuated", steps, self.gap)
        return _once(programs)


@dataclass(frozen=True, slots=True)
class Highest:
    """The phase with the highest sum of its links, ``hold`` seconds at least.

    ``counted``: vehicles that stand, or all within 200 m. ``pressure``: less those that stand behind the junction, which is
    max-pressure (Varaiya 2013); without it, it is the greedy rule of RESCO. The present phase stays where it is as high.
    """

    pressure: bool
    hold: float = MINIMUM_GREEN
    counted: Counted = "standing"

    def __call__(self, env: Any) -> Act:
        def act(_: Any) -> dict[str, int]:
            return {agent: self._choose(env.signals[agent], env.counts(agent), env) for agent in env.possible_agents}

        return act

    def _choose(self, signal: Signal, counts: Counts, env: Any) -> int:
        allowed = signal.mask(env.now)
        if env.now - signal.since < self.hold and not signal.by_itself:
            return signal.phase
        worth = self.worth(signal, counts)
        worth[signal.phase] += 1e-6
        return int(np.argmax(np.where(allowed, worth, -np.inf)))

    def worth(self, signal: Signal, counts: Counts) -> np.ndarray:
        """Return what each phase is worth, shape (phases,)."""
        vehicles = counts.queued + (counts.moving if self.counted == "all" else 0.0)
        if self.pressure:
            return pressures(signal.junction, vehicles, counts.ahead)
        return queues(signal.junction, vehicles)


@dataclass(frozen=True, slots=True)
class Tuned:
    """The rules of a place, as tuned."""

    webster: Webster = Webster()
    actuated: Actuated = Actuated()
    pressure: Highest = Highest(pressure=True)
    greedy: Highest = Highest(pressure=False)


TUNED: Mapping[str, Tuned] = {
    "2way-single": Tuned(Webster(2.0), Actuated(5.0, 50.0, 2.0), Highest(True, 15.0, "all"), Highest(False, 15.0, "all")),
    "cologne1": Tuned(Webster(), Actuated(10.0, 50.0, 2.0), Highest(True, 15.0, "all"), Highest(False, 15.0, "all")),
    "ingolstadt1": Tuned(Webster(0.5), Actuated(5.0, 35.0, 2.0), Highest(True, 5.0, "all"), Highest(False, 5.0, "all")),
    "grid4x4": Tuned(Webster(), Actuated(5.0, 20.0, 2.0, thrifty=True), Highest(True, 5.0, "all"), Highest(False, 5.0, "all")),
    "cologne8": Tuned(Webster(), Actuated(10.0), Highest(True, 10.0, "all"), Highest(False, 10.0, "all")),
}


def fixed(env: Any) -> Act:
    """Leave all junctions to the network's own programs."""
    return lambda _: dict.fromkeys(env.possible_agents)


def _once(programs: Mapping[str, Program]) -> Act:
    """Return an act that installs ``programs`` at first, and leaves them running after that."""
    begun = False

    def act(_: Any) -> dict[str, Program | None]:
        nonlocal begun
        first, begun = not begun, True
        return {name: program if first else None for name, program in programs.items()}

    return act


def _tuned(choose: Callable[[Tuned], Rule]) -> Rule:
    return lambda env: choose(TUNED[env.place.name])(env)


RULES: Mapping[str, Rule] = {
    "fixed": fixed,
    "webster": _tuned(lambda tuned: tuned.webster),
    "actuated": _tuned(lambda tuned: tuned.actuated),
    "max-pressure": _tuned(lambda tuned: tuned.pressure),
    "greedy": _tuned(lambda tuned: tuned.greedy),
}
