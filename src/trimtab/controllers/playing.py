"""Episodes: played to learn from, played greedily to be judged, or played by a rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from trimtab.agents.protocol import Masks, Transition
from trimtab.controllers.crew import Advice, Crew
from trimtab.controllers.world import Moment, Moves, World
from trimtab.errors import ControlError
from trimtab.systems import Act, Rule
from trimtab.task import Progress

UNNAMED = "cost"
"""The cost of an environment that names none: minus its return."""
MOST_STEPS = 10_000
"""An episode that has not ended by then is cut off: a policy may go round in circles where nothing stops it."""
LOST_IN_A_ROW = 3
"""So many episodes may fail one after the other; then the system itself is broken."""
Watch = Callable[[World, Moment], None]
"""Called at every moment of an episode, to draw it."""


@dataclass(slots=True)
class Episode:
    """What an episode came to. ``costs``: summed, by name. ``rewards``: of each step, summed over the agents.

    ``seconds``: in which decisions were made, without the environment's.
    """

    rewards: list[float] = field(default_factory=list[float])
    costs: dict[str, float] = field(default_factory=dict[str, float])
    decisions: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> float:
        """The return of all agents together."""
        return float(sum(self.rewards))

    def add(self, moment: Moment) -> None:
        """Take in one step."""
        self.rewards.append(float(sum(moment.rewards.values())))
        for name, cost in moment.costs.items():
            self.costs[name] = self.costs.get(name, 0.0) + cost

    def named(self) -> dict[str, float]:
        """Return the costs by name; where the environment has none, minus the return."""
        return self.costs or {UNNAMED: -self.total}


def judged(
    world: World, crew: Crew | None, rule: Rule | None, seed: int, *, progress: Progress, watch: Watch | None = None
) -> Episode:
    """Play the episode of ``seed`` as ``crew`` thinks best, advised by ``rule``; without a crew as the rule does.

    Where the environment fails, a new one plays it again.
    """
    for _ in range(LOST_IN_A_ROW - 1):
        try:
            return _judged(world, crew, rule, seed, progress, watch)
        except ControlError:
            world.renew()
    return _judged(world, crew, rule, seed, progress, watch)


def _judged(world: World, crew: Crew | None, rule: Rule | None, seed: int, progress: Progress, watch: Watch | None) -> Episode:
    moment, episode = world.reset(seed), Episode()
    act = rule(world.env) if rule is not None else None
    while not moment.over and len(episode.rewards) < MOST_STEPS:
        if watch is not None:
            watch(world, moment)
        began = time.perf_counter()
        action = _action(world, crew, act, moment)
        episode.seconds += time.perf_counter() - began
        episode.decisions += len(moment.masks)
        moment = world.act(action)
        episode.add(moment)
        progress()
    if watch is not None:
        watch(world, moment)
    return episode


def _action(world: World, crew: Crew | None, act: Act | None, moment: Moment) -> Any:
    """Return the action at ``moment`` as the environment has it: the crew's, or without one the rule's."""
    if crew is None:
        assert act is not None, "without a crew there must be a rule"
        return act(moment.raw)
    decided = crew.decide(moment, advice_of(world, act, moment))
    return world.native({agent: decision.action for agent, decision in decided.items()})


def advice_of(world: World, act: Act | None, moment: Moment) -> Advice | None:
    """Return what the rule would do at ``moment``."""
    return None if act is None or moment.over else world.moves(act(moment.raw))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A decision of an agent, and the rewards since then."""

    observation: np.ndarray
    masks: Masks | None
    action: Moves
    rewards: list[float]


class Learners(Protocol):
    """Who plays a lesson and learns from it. ``scale``: by which rewards are divided."""

    scale: float

    def seen(self, agent: str, observation: np.ndarray, advice: Advice | None) -> np.ndarray: ...

    def moves(self, moment: Moment, advice: Advice | None, streams: Mapping[str, int]) -> dict[str, Moves]: ...

    def learn(self, agent: str, transition: Transition) -> None: ...


@dataclass(slots=True)
class Lesson:
    """One episode that ``crew`` learns from.

    ``number``: of the episode, which makes its streams its own. ``tolls``: what a unit of each cost takes off the reward.
    """

    world: World
    crew: Learners
    rule: Rule | None
    number: int
    tolls: Mapping[str, float]
    _waiting: dict[str, _Waiting] = field(default_factory=dict[str, _Waiting])

    def play(self, seed: int, *, most: int | None, progress: Progress) -> Episode:
        """Play the episode of ``seed``, ``most`` steps at most, and learn from every one of them."""
        world, episode = self.world, Episode()
        most = MOST_STEPS if most is None else min(most, MOST_STEPS)
        moment = world.reset(seed)
        act = self.rule(world.env) if self.rule is not None else None
        advice = advice_of(world, act, moment)
        while not moment.over and len(episode.rewards) != most:
            moves = self._decide(moment, advice)
            moment = world.step(moves)
            episode.add(moment)
            episode.decisions += len(moves)
            advice = advice_of(world, act, moment)
            self._learn(moment, advice, cut=len(episode.rewards) == most)
            progress()
        return episode

    def _decide(self, moment: Moment, advice: Advice | None) -> dict[str, Moves]:
        streams = {agent: self.number * len(self.world.agents) + place for place, agent in enumerate(self.world.agents)}
        moves = self.crew.moves(moment, advice, streams)
        for agent, action in moves.items():
            seen = self.crew.seen(agent, moment.observations[agent], advice)
            self._waiting[agent] = _Waiting(seen, moment.masks[agent], action, [])
        return moves

    def _learn(self, moment: Moment, advice: Advice | None, *, cut: bool) -> None:
        """Let each agent learn whose decision has come to what it came to: it decides again, or nothing follows."""
        toll = sum(self.tolls.get(name, 0.0) * cost for name, cost in moment.costs.items()) / len(self.world.agents)
        for agent, waiting in list(self._waiting.items()):
            waiting.rewards.append(moment.rewards.get(agent, 0.0) - toll)
            ended = agent in moment.terminated
            if not (ended or moment.over or cut or agent in moment.masks):
                continue
            del self._waiting[agent]
            there = moment.observations.get(agent)
            transition = Transition(
                observation=waiting.observation,
                action=waiting.action,
                reward=sum(waiting.rewards) / self.crew.scale,
                next_observation=waiting.observation if there is None else self.crew.seen(agent, there, advice),
                terminated=ended,
                truncated=not ended and (moment.over or cut or agent in moment.truncated),
                next_masks=None if ended else moment.masks.get(agent),
                stream=self.number * len(self.world.agents) + self.world.agents.index(agent),
                masks=waiting.masks,
            )
            self.crew.learn(agent, transition)


def spread_of(episodes: list[Episode], agents: int, gamma: float) -> float:
    """Return the deviation of the discounted return of an agent from one step to another, by which rewards are scaled."""
    returns: list[float] = []
    for episode in episodes:
        worth = 0.0
        for reward in reversed(episode.rewards):
            worth = reward / agents + gamma * worth
            returns.append(worth)
    spread = float(np.std(returns)) if returns else 0.0
    return spread if spread > 1e-9 else max(1e-9, float(np.mean(np.abs(returns))) if returns else 1.0)
