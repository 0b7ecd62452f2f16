"""What a system went through while a rule ran it, as a file that agents learn from before their first episode.

Learning from it is off-policy: a DQN or a Q-table learns what would have been better than what was done, as far as the log has
tried it. Levine, Kumar, Tucker & Fu 2020, "Offline reinforcement learning", say how far that is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trimtab.agents.pending import pack_transitions, unpack_transitions
from trimtab.agents.protocol import Masks, Transition
from trimtab.controllers.crew import Advice, Crew
from trimtab.controllers.playing import Lesson
from trimtab.controllers.source import as_system
from trimtab.controllers.world import Moment, Moves, open_world
from trimtab.errors import CheckpointError, ControlError
from trimtab.seeds import derive, generator
from trimtab.systems import Rule
from trimtab.task.checkpoint import pack, unpack


@dataclass(frozen=True, slots=True)
class Log:
    """The steps of each agent, in order. ``rule``: who decided, on which ``system``. ``heads``: moves, by agent."""

    system: str
    rule: str
    heads: Mapping[str, Moves]
    steps: Mapping[str, Sequence[Transition]]

    def __len__(self) -> int:
        return sum(len(steps) for steps in self.steps.values())

    def teach(self, crew: Crew, *, rule: str | None) -> None:
        """Let ``crew`` learn from every step, its rewards divided by the crew's scale.

        ``rule``: whom the crew listens to. Where that is who decided here, what was done is what it was told.
        """
        for agent, steps in self.steps.items():
            if agent not in crew.kinds:
                raise ControlError(f"logs: {agent} is no agent of this system, which has {', '.join(crew.kinds)}")
            for step, following in itertools.zip_longest(steps, steps[1:]):
                told = {agent: step.action} if rule == self.rule else None
                goes_on = following if following is not None and following.stream == step.stream else None
                then = {agent: goes_on.action} if told is not None and goes_on is not None else None
                crew.learn(
                    agent,
                    Transition(
                        crew.seen(agent, step.observation, told),
                        step.action,
                        step.reward / crew.scale,
                        crew.seen(agent, step.next_observation, then),
                        step.terminated,
                        step.truncated,
                        step.next_masks,
                        # those of episodes to come are not negative
                        -1 - step.stream,
                        step.masks,
                    ),
                )

    def save(self, path: str | Path) -> None:
        """Write the log as safetensors."""
        tensors = dict[str, torch.Tensor]()
        for agent, steps in self.steps.items():
            arrays = pack_transitions(agent, steps, len(steps[0].observation), self.heads[agent])
            tensors |= {name: torch.from_numpy(array) for name, array in arrays.items()}
        record = {"log": {"system": self.system, "rule": self.rule}, "heads": {**self.heads}}
        Path(path).write_bytes(pack(tensors, record))

    @classmethod
    def load(cls, path: str | Path) -> Log:
        """Return the log in the file ``path``; anything else is a ControlError."""
        try:
            tensors, record = unpack(Path(path).read_bytes())
            arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
            heads = {agent: tuple(moves) for agent, moves in record["heads"].items()}
            steps = {agent: unpack_transitions(agent, arrays, moves) for agent, moves in heads.items()}
            return cls(steps=steps, heads=heads, **record["log"])
        except FileNotFoundError:
            raise ControlError(f"logs: {path}: no such file") from None
        except (CheckpointError, KeyError) as error:
            raise ControlError(f"logs: {path} is no log of a control ({error})") from None


@dataclass(slots=True)
class Scribe:
    """Does what the rule says, but for a move in ``1 / straying``, and writes down what came of it."""

    heads: Mapping[str, Moves]
    straying: float
    rng: np.random.Generator
    steps: dict[str, list[Transition]]
    scale: float = 1.0

    def seen(self, agent: str, observation: np.ndarray, advice: Advice | None) -> np.ndarray:  # noqa: ARG002 - as a crew's
        """Return the observation as it is."""
        return observation

    def moves(self, moment: Moment, advice: Advice | None, streams: Mapping[str, int]) -> dict[str, Moves]:  # noqa: ARG002
        """Return the rule's moves, or others."""
        assert advice is not None
        return {agent: self._strayed(agent, advice[agent], masks) for agent, masks in moment.masks.items()}

    def learn(self, agent: str, transition: Transition) -> None:
        """Write it down."""
        self.steps[agent].append(transition)

    def _strayed(self, agent: str, told: Moves, masks: Masks | None) -> Moves:
        allowed = [np.ones(moves, dtype=bool) for moves in self.heads[agent]] if masks is None else masks
        strays = self.rng.random(len(told)) < self.straying
        return tuple(
            int(self.rng.choice(np.flatnonzero(mask))) if stray else move
            for move, stray, mask in zip(told, strays, allowed, strict=True)
        )


def record(
    env: Any, rule: str, *, episodes: int, straying: float = 0.1, seed: int = 0, rules: Mapping[str, Rule] | None = None
) -> Log:
    """Return the log of ``episodes`` of ``env`` under its ``rule``, which makes another move with probability ``straying``.

    A log of what a rule does alone cannot say what else would have been better.
    """
    system = as_system(env, rules)
    if rule not in system.rules:
        raise ControlError(f"rule: expected one of {', '.join(system.rules)}, got {rule!r}")
    world = open_world(system, "train", "dqn")
    heads = {agent: world.heads(agent) for agent in world.agents}
    scribe = Scribe(heads, straying, generator(seed, "log", "straying"), {agent: [] for agent in world.agents})
    for episode in range(episodes):
        Lesson(world, scribe, system.rules[rule], episode, {}).play(derive(seed, "log", episode), most=None, progress=_nothing)
    world.close()
    return Log(system.name, rule, heads, scribe.steps)


def _nothing() -> None:
    pass
