"""Traffic signals: at every junction an agent says, every five seconds, which phase is to be green.

The network and its journeys are in ``places``, another day's journeys in ``demand``, signals that change in ``signal``, what
is on the roads in ``survey``, what agents see of it in ``view``, and what practitioners do in ``rules``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import derive, generator
from trimtab.systems.sumo import EXTRA, Sumo
from trimtab.systems.system import Split, System, checked_render_mode
from trimtab.systems.traffic.demand import another_day, write
from trimtab.systems.traffic.junction import Junction, read_junctions
from trimtab.systems.traffic.places import PLACES, Place, published
from trimtab.systems.traffic.rules import RULES
from trimtab.systems.traffic.signal import Signal
from trimtab.systems.traffic.survey import Counts, Survey
from trimtab.systems.traffic.view import View

DECISION = 5
"""Seconds between two decisions."""


class Signals:
    """A parallel environment: the signals of ``place``, a day of ``split`` an episode.

    An action of a junction is the index of a phase, a ``Program``, or None to leave it to its own program.
    """

    metadata: Mapping[str, Any] = {"render_modes": ["rgb_array"]}  # as Gymnasium has it

    def __init__(self, place: Place, split: Split, *, render_mode: str | None = None) -> None:
        self.place = place
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.run: Sumo | None = None
        self.published = published(place)
        self.junctions = _junctions(place)
        self.view = View(self.junctions)
        self.possible_agents = [junction.name for junction in self.junctions]
        self.agents: list[str] = []
        self._fresh = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Box:  # noqa: ARG002 - the same for all
        """Return the space of what a junction sees."""
        return spaces.Box(-1.0, 1.0, (self.view.features,), np.float32)

    def action_space(self, agent: str) -> spaces.Discrete:  # noqa: ARG002 - the same for all
        """Return the space of its moves: those of the junction with the most phases; masks say which there are."""
        return spaces.Discrete(self.view.phases)

    def reset(
        self,
        *,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,  # noqa: ARG002 - nothing to choose
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin the day of ``seed``."""
        self.seed = int(self._fresh.integers(2**31)) if seed is None else int(seed)
        self.demand = another_day(self.published, self.place.horizon, generator(self.seed, self.split, "demand"))
        self.run = self._started()
        self.now = float(self.place.begin)
        self.signals = {each.name: Signal(each, self.run, self.now) for each in self.junctions}
        self.survey = Survey(self.junctions, self.demand, self.place.begin)
        self.survey.look(self.run, self.now)
        self.delays: list[float] = []
        self.agents = list(self.possible_agents)
        return self._observations(), self._infos({})

    def step(self, actions: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """Let every junction do what ``actions`` says, for five seconds."""
        run = self._running()
        if not self.agents:
            raise ControlError("step: expected a reset before it: the episode is over")
        if missing := set(self.possible_agents) ^ set(actions):
            raise ControlError(f"actions: expected one for each of {self.possible_agents}, got {sorted(actions)}: {missing}")
        for agent, action in actions.items():
            self.signals[agent].order(action, self.now)
        self._pass(run)
        self.survey.look(run, self.now)
        lost = self.survey.lost
        self.delays.append(sum(lost.values()) / len(self.demand.journeys))
        rewards = {agent: -lost[agent] / len(self.published.journeys) for agent in self.possible_agents}
        over = self.now >= self.place.begin + self.place.horizon
        infos = self._infos(self._costs(run, over=over))
        if over:
            self.agents = []
        never, ends = dict.fromkeys(self.possible_agents, False), dict.fromkeys(self.possible_agents, over)
        return self._observations(), rewards, never, ends, infos

    def counts(self, agent: str) -> Counts:
        """Return the vehicles before the junction ``agent``, by link."""
        return self.survey.counts[agent]

    def mask(self, agent: str) -> np.ndarray:
        """Return which phases the junction ``agent`` may show next, shape (phases,)."""
        found = np.zeros(self.view.phases, dtype=bool)
        allowed = self.signals[agent].mask(self.now)
        found[: len(allowed)] = allowed
        return found

    def render(self) -> np.ndarray | None:
        """Return a picture of the roads, of shape (height, width, 3)."""
        if self.render_mode is None:
            return None
        from trimtab.systems.traffic.picture import picture

        return picture(self.place, self._running(), self.signals, self.delays, self.now)

    def close(self) -> None:
        """End the simulation."""
        if self.run is not None:
            self.run.close()
            self.run = None

    def _running(self) -> Sumo:
        if self.run is None:
            raise ControlError("step: expected a reset before it, got none since the last close")
        return self.run

    def _started(self) -> Sumo:
        begin = self.place.begin
        with tempfile.TemporaryDirectory(prefix="trimtab-traffic-") as folder:
            routes = Path(folder) / "day.rou.xml"
            write(self.demand, begin, routes)
            files = ("-n", str(self.place.network_path()), "-r", str(routes))
            # all routes are read at once, so that the file can go; nobody vanishes who stands for long, but others get round
            # whoever has stood within the junction for a minute: left turns that face each other there would stand for ever
            rest = ("--route-steps", "0", "--time-to-teleport", "-1", "--ignore-junction-blocker", "60")
            rest += ("--device.tripinfo.probability", "1")
            number = str(derive(self.seed, self.split, "sumo") % 2**31)
            return Sumo([*files, "-b", str(begin), "--seed", number, *rest])

    def _pass(self, run: Sumo) -> None:
        """Let five seconds pass, with a halt wherever a yellow ends."""
        end = self.now + DECISION
        for time in sorted({end, *(each.due for each in self.signals.values() if each.due is not None)}):
            run.advance(time)
            for signal in self.signals.values():
                signal.settle(time)
        self.now = end

    def _costs(self, run: Sumo, *, over: bool) -> dict[str, float]:
        """Return the costs of this step; the last one brings those that were only estimated up to what SUMO counted."""
        costs = {"delay": self.delays[-1], "not entered": 0.0}
        if over:
            exact = self.survey.delay(run, self.now) / len(self.demand.journeys)
            costs = {"delay": exact - sum(self.delays[:-1]), "not entered": float(self.survey.outside)}
        return costs

    def _observations(self) -> dict[str, Any]:
        return {agent: self.view.observe(self.signals[agent], self.counts(agent), self.now) for agent in self.possible_agents}

    def _infos(self, costs: dict[str, float]) -> dict[str, Any]:
        """Return the mask of each junction; costs are of the whole network, and stand with the first one."""
        infos = {agent: {"costs": dict[str, float](), "action_mask": self.mask(agent)} for agent in self.possible_agents}
        infos[self.possible_agents[0]]["costs"] = costs
        return infos


_READ: dict[str, tuple[Junction, ...]] = {}


def _junctions(place: Place) -> tuple[Junction, ...]:
    """Return the junctions of ``place``, which are read once."""
    if place.name not in _READ:
        run = Sumo(["-n", str(place.network_path())])
        try:
            _READ[place.name] = read_junctions(run.api)
        finally:
            run.close()
    return _READ[place.name]


def _system(place: Place) -> System:
    return System(
        name=f"traffic/{place.name}",
        about=_ABOUT[place.name],
        make=lambda split: Signals(place, split),
        rules=RULES,
        trusted="max-pressure",
        cost="delay",
        unit="s a vehicle",
        extra=EXTRA,
        episodes=100,
    )


_ABOUT = {
    "2way-single": "the signals of one junction of two roads with two lanes each way",
    "cologne1": "the signals of a junction in Cologne, from 7 to 8 in the morning",
    "ingolstadt1": "the signals of a junction in Ingolstadt, from 16 to 17 o'clock",
    "grid4x4": "the signals of sixteen junctions in a grid, half an hour",
    "cologne8": "the signals of eight junctions in Cologne, from 7 to half past 7",
}

SYSTEMS: tuple[System, ...] = tuple(_system(place) for place in PLACES)
