"""Learning to run a system as a training: a segment is some episodes, its metric the cost of validation episodes."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from trimtab.controllers.crew import Crew, recruit, strangers
from trimtab.controllers.logs import Log
from trimtab.controllers.playing import LOST_IN_A_ROW, Episode, Lesson, judged, spread_of
from trimtab.controllers.prices import Prices
from trimtab.controllers.world import World, open_world
from trimtab.errors import CheckpointError, ControlError, TaskError
from trimtab.seeds import derive
from trimtab.space import Float, Settings, Space
from trimtab.systems import Rule, Split, System
from trimtab.task import Goal, Measurement, Progress, Segment, Telemetry
from trimtab.task import Split as TaskSplit
from trimtab.task.checkpoint import pack, unpack

SPACE = Space(rate=Float(1e-6, 1.0, log=True), exploration=Float(0.0, 1.0))
"""What may change from segment to segment: the learning rate (of a table: the step size), and how often agents stray."""
WARM = 3
"""Episodes before the first that are played by the rule, or at random, to know the size of rewards."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a segment is: ``episodes``, or ``transitions`` of the environment (the last episode is then cut off)."""

    episodes: int | None = None
    transitions: int | None = None


@dataclass(slots=True)
class Course:
    """A training under way: who learns, in which worlds, and how far they are. ``lost``: episodes that came to no end."""

    crew: Crew
    seed: int
    prices: Prices
    worlds: dict[Split, World] = field(default_factory=dict[Split, World])
    episodes: int = 0
    transitions: int = 0
    lost: int = 0
    told: float | None = None
    """What the rule costs on the validation episodes, once it is known."""


@dataclass
class ControlTask:
    """Agents that learn to run ``system``. ``agent``, ``options``: as for ``trimtab.agents.make``.

    ``rule``: the name of the rule that the agents begin at and are told of, or None. ``limits``: the most that named costs may
    be, a mean over episodes. ``validation``: episodes on which a policy is judged after every segment; ``seed``: of those.
    ``logs``: learned from before the first episode.
    """

    system: System
    length: Length
    agent: str = "dqn"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rule: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    validation: int = 5
    seed: int = 0
    logs: Sequence[Log] = ()
    goal: Goal = field(init=False)

    def __post_init__(self) -> None:
        self.goal = Goal(self.system.cost, scale="linear")
        if self.rule is not None and self.rule not in self.system.rules:
            raise ControlError(f"start: expected one of {', '.join(self.system.rules)}, or None, got {self.rule!r}")

    def check(self, space: Space) -> None:
        """Raise TaskError if a hyperparameter of ``space`` is not one of SPACE."""
        if unknown := sorted(set(space) - set(SPACE)):
            raise TaskError(f"space: a control has no {', '.join(unknown)}; what can be set is {', '.join(SPACE)}")

    def start(self, settings: Settings, *, seed: int) -> Course:  # noqa: ARG002 - nothing of the settings is there at the start
        """Return a training before its first episode."""
        return self._fresh(seed)

    def measure(self, state: Course) -> Measurement:
        """Return what the policy costs on the validation episodes."""
        began = time.perf_counter()
        return Measurement(self.evaluate(state, "validation"), math.nan, seconds=time.perf_counter() - began)

    def advance(self, state: Course, segment: Segment, *, progress: Progress = lambda: None) -> Measurement:
        """Learn over the episodes of one segment, then judge the policy."""
        began = time.perf_counter()
        episodes, transitions = state.episodes, state.transitions
        values = {**SPACE.default(), **segment.settings}
        with _one_thread():
            if state.crew.scale == 0.0:
                self._warm_up(state, progress)
            state.crew.adjust(rate=float(values["rate"]), straying=float(values["exploration"]))
            costs = self._learn(state, progress)
            metrics = self.evaluate(state, "validation", progress=progress)
        parts = [float(part.mean()) for part in np.array_split(costs, min(8, len(costs)))]
        return Measurement(
            metrics,
            float(np.mean(costs)) if costs else math.nan,
            examples=state.transitions - transitions,
            episodes=state.episodes - episodes,
            seconds=time.perf_counter() - began,
            telemetry=Telemetry(tuple(parts)),
        )

    def evaluate(self, state: Course, split: TaskSplit, *, progress: Progress = lambda: None) -> Mapping[str, float]:
        """Return the mean of every cost over the episodes of ``split``, the worst of the headline, the mean return.

        "rule": the mean headline cost of the rule on the same episodes, if there is one.
        """
        if split == "audit":
            raise TaskError("audit: a control has no such split; evaluate its policy on test episodes")
        world = self.world(state, split)
        seeds = [derive(self.seed, split, index) for index in range(self.validation)]
        played = [judged(world, state.crew, self._advice(state), seed, progress=progress) for seed in seeds]
        found = summary(played, self.system.cost)
        if self.rule is None:
            return found
        if state.told is None:
            rule = self.system.rules[self.rule]
            told = [judged(world, None, rule, seed, progress=progress) for seed in seeds]
            state.told = summary(told, self.system.cost)[self.system.cost]
        return {**found, "rule": state.told}

    def confirmed(self, state: Course) -> bool:
        """Return whether the policy costs less than its rule on validation episodes by which it was not chosen.

        The best of twenty policies on a few episodes may owe it to chance. Episodes are paired, and what is gained in the
        mean has to be at least its standard error.
        """
        if self.rule is None:
            return True
        world, rule = open_world(self.system, "validation", self.agent), self.system.rules[self.rule]
        seeds = [derive(self.seed, "validation", self.validation + index) for index in range(self.validation)]
        with _one_thread():
            own = [judged(world, state.crew, rule, seed, progress=lambda: None) for seed in seeds]
            told = [judged(world, None, rule, seed, progress=lambda: None) for seed in seeds]
        world.close()
        name = self.system.cost
        gains = np.array([other.named()[name] - each.named()[name] for each, other in zip(own, told, strict=True)])
        return bool(gains.mean() > 0 and gains.mean() >= gains.std() / np.sqrt(len(gains)))

    def encode(self, state: Course) -> bytes:
        """Return the learners with all that they remember, and how far they are."""
        record = {
            "task": self.fingerprint(),
            "seed": state.seed,
            "scale": state.crew.scale,
            "prices": [state.prices.values, state.prices.sizes],
            "counts": [state.episodes, state.transitions, state.lost],
        }
        return pack(state.crew.arrays(), record)

    def decode(self, checkpoint: bytes) -> Course:
        """Return the training in ``checkpoint``."""
        tensors, record = unpack(checkpoint)
        if record.get("task") != self.fingerprint():
            raise CheckpointError(f"checkpoint: expected one of {self.fingerprint()}, got one of {record.get('task')}")
        state = self._fresh(record["seed"])
        state.crew.restore(tensors)
        state.crew.scale = record["scale"]
        state.prices = Prices(self.limits, *record["prices"])
        state.episodes, state.transitions, state.lost = record["counts"]
        return state

    def fingerprint(self) -> str:
        """Return what tells this control from others."""
        rest = {
            name: value
            for name, value in (("from", self.rule), ("limits", dict(self.limits)), ("logs", [len(log) for log in self.logs]))
            if value
        }
        told = "".join(f", {name} {value}" for name, value in rest.items())
        return f"{self.agent} on {self.system.name}, {self.length}, options {dict(self.options)}{told}"

    def world(self, state: Course, split: Split) -> World:
        """Return the world of ``split``, made when it is first asked for."""
        if split not in state.worlds:
            state.worlds[split] = open_world(self.system, split, self.agent)
        return state.worlds[split]

    def _fresh(self, seed: int) -> Course:
        worlds: dict[Split, World] = {"train": open_world(self.system, "train", self.agent)}
        crew = recruit(worlds["train"], self.agent, self.options, advised=self.rule is not None, seed=derive(seed, "crew"))
        return Course(crew, seed, Prices(self.limits), worlds)

    def _advice(self, state: Course) -> Rule | None:
        return self.system.rules[self.rule] if self.rule is not None and state.crew.advised else None

    def _warm_up(self, state: Course, progress: Progress) -> None:
        """Play some episodes as the rule does, or at random, to find the size of rewards."""
        world = self.world(state, "train")
        seeds = [derive(state.seed, "warm", index) for index in range(WARM)]
        crew = strangers(world, seed=state.seed) if self.rule is None else None
        played = [judged(world, crew, self._advice(state), seed, progress=progress) for seed in seeds]
        gamma = float(getattr(getattr(next(iter(state.crew.learners.values())), "options", None), "gamma", 0.99))
        # what it counts are successes: a reward of 1 stays one
        state.crew.scale = 1.0 if self.agent == "bernoulli" else spread_of(played, len(world.agents), gamma)
        for log in self.logs:
            log.teach(state.crew, rule=self.rule)
        state.episodes += len(played)
        state.transitions += sum(episode.decisions for episode in played)

    def _learn(self, state: Course, progress: Progress) -> list[float]:
        """Play the episodes of one segment and return what each cost."""
        costs, played, steps, lost = list[float](), 0, 0, 0
        while played != self.length.episodes and (left := self._left(steps)) != 0:
            number = state.episodes + state.lost
            world = self.world(state, "train")
            lesson = Lesson(world, state.crew, self._advice(state), number, state.prices.tolls(state.crew.scale))
            try:
                episode = lesson.play(derive(state.seed, "episode", number), most=left, progress=progress)
            except ControlError:
                lost += 1
                state.lost += 1
                world.renew()
                if lost == LOST_IN_A_ROW:
                    raise
                continue
            lost, played, steps = 0, played + 1, steps + len(episode.rewards)
            state.episodes += 1
            state.transitions += episode.decisions
            named = episode.named()
            state.prices.move(named)
            costs.append(named.get(self.system.cost, math.nan))
        return costs

    def _left(self, steps: int) -> int | None:
        return None if self.length.transitions is None else max(0, self.length.transitions - steps)


@contextmanager
def _one_thread() -> Generator[None]:
    """Let torch use one thread: nets as small as these are no faster on several, and ten times slower where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def summary(played: list[Episode], headline: str) -> dict[str, float]:
    """Return the mean of every cost, "worst": the highest headline, "return", and "loss": the headline again."""
    named = [episode.named() for episode in played]
    if headline not in named[0]:
        raise ControlError(f"env: expected the cost {headline!r} in info['costs'], got {', '.join(named[0])}")
    means = {name: float(np.mean([each.get(name, 0.0) for each in named])) for name in named[0]}
    return {
        **means,
        "loss": means[headline],
        "worst": max(each[headline] for each in named),
        "return": float(np.mean([episode.total for episode in played])),
    }
