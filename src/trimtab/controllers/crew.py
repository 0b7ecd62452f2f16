"""The agents that run a system: one learner for each kind of agent, so that those with equal knobs share what they learn.

Who is advised by a rule observes, at the end of what it sees, what the rule would do; a DQN adds that to its values, so that
it begins at the rule and learns where it is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from trimtab import agents
from trimtab.agents.dqn import DQNAgent
from trimtab.agents.protocol import Agent, Decision, Transition
from trimtab.controllers.world import Moment, Moves, World
from trimtab.errors import CheckpointError
from trimtab.seeds import derive

ADVICE = 0.1
"""How much more than any other the move of a rule is worth before anything is learned, in deviations of the return."""

Advice = Mapping[str, Moves]
"""What a rule would do, by agent."""


@dataclass(slots=True)
class Crew:
    """Learners by kind of agent, and the kind of each agent. ``advised``: whether they are told what a rule would do.

    ``scale``: by which rewards are divided before they are learned from, 0 while it is not known.
    """

    learners: dict[str, Agent]
    kinds: dict[str, str]
    advised: bool
    scale: float = 0.0

    def seen(self, agent: str, observation: np.ndarray, advice: Advice | None) -> np.ndarray:
        """Return what the learner of ``agent`` sees: the observation, and behind it the advice."""
        if not self.advised:
            return observation
        heads = self.learners[self.kinds[agent]].heads
        told = np.zeros((len(heads), max(heads)), dtype=np.float32)
        if advice is not None and agent in advice:
            told[np.arange(len(heads)), list(advice[agent])] = ADVICE
        return np.concatenate([observation, told.reshape(-1)])

    def decide(
        self, moment: Moment, advice: Advice | None, *, explore: bool = False, streams: Mapping[str, int] | None = None
    ) -> dict[str, Decision]:
        """Return the decisions of all who decide at ``moment``. ``streams``: of the transitions to come."""
        made: dict[str, Decision] = {}
        for agent, masks in moment.masks.items():
            learner = self.learners[self.kinds[agent]]
            seen = self.seen(agent, moment.observations[agent], advice)
            made[agent] = learner.decide(seen, masks, explore=explore, stream=streams[agent] if streams else 0)
        return made

    def moves(self, moment: Moment, advice: Advice | None, streams: Mapping[str, int]) -> dict[str, Moves]:
        """Return the moves of all who decide at ``moment``, who may stray to explore."""
        decided = self.decide(moment, advice, explore=True, streams=streams)
        return {agent: decision.action for agent, decision in decided.items()}

    def learn(self, agent: str, transition: Transition) -> None:
        """Let the learner of ``agent`` take in what came of its move."""
        self.learners[self.kinds[agent]].learn(transition)

    def adjust(self, *, rate: float, straying: float) -> None:
        """Learn at ``rate`` and stray with probability ``straying`` from now on, whoever can."""
        for learner in self.learners.values():
            adjust = getattr(learner, "adjust", None)
            if adjust is not None:
                adjust(rate=rate, straying=straying)

    def arrays(self, *, experience: bool = True) -> dict[str, torch.Tensor]:
        """Return every learner as bytes; without ``experience``, a policy: what a DQN remembers is left out."""
        found: dict[str, torch.Tensor] = {}
        for index, learner in enumerate(self.learners.values()):
            data = learner.encode(experience=experience) if isinstance(learner, DQNAgent) else learner.encode()
            found[f"learner.{index}"] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        return found

    def restore(self, arrays: Mapping[str, torch.Tensor]) -> None:
        """Bring every learner to where the one was whose bytes are in ``arrays``."""
        for index, (kind, learner) in enumerate(self.learners.items()):
            if f"learner.{index}" not in arrays:
                raise CheckpointError(f"checkpoint: expected {len(self.learners)} learners, got {index}")
            found = agents.decode(arrays[f"learner.{index}"].numpy().tobytes())
            if found.heads != learner.heads:
                raise CheckpointError(f"checkpoint: expected an agent with heads {learner.heads}, got {found.heads}")
            self.learners[kind] = found


def strangers(world: World, *, seed: int) -> Crew:
    """Return agents that make legal moves at random and learn nothing."""
    return recruit(world, "random", {}, advised=False, seed=seed)


def recruit(world: World, agent: str, options: Mapping[str, Any], *, advised: bool, seed: int) -> Crew:
    """Return fresh learners for ``world``: ``agent`` by name, with ``options``."""
    kinds = {name: world.kind(name) for name in world.agents}
    learners: dict[str, Agent] = {}
    for name, kind in kinds.items():
        if kind in learners:
            continue
        heads = world.heads(name)
        features = world.features(name) + (len(heads) * max(heads) if advised else 0)
        given = {**options, "advised": True} if advised else options
        learners[kind] = agents.make(
            agent, features=features, heads=heads, seed=derive(seed, "learner", len(learners)), **given
        )
    return Crew(learners, kinds, advised)
