"""A policy: agents that have learned to run a system, as a file, with the rule that they were told of and fall back to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trimtab import agents
from trimtab.controllers.crew import Crew
from trimtab.controllers.playing import Episode, Watch, judged
from trimtab.controllers.world import World
from trimtab.errors import CheckpointError, ControlError, PolicyError
from trimtab.systems import System
from trimtab.task.checkpoint import pack, unpack


@dataclass(frozen=True, slots=True)
class Policy:
    """``system``: the name of the one it was learned on. ``rule``: the name of the one it is told of, or None.

    ``guarded``: it was no better than that rule on validation episodes, and leaves all decisions to it. ``agent``: its kind.
    """

    system: str
    agent: str
    crew: Crew
    rule: str | None = None
    guarded: bool = False

    def play(self, world: World, system: System, seed: int, *, watch: Watch | None = None) -> Episode:
        """Play the episode of ``seed`` in ``world``, which is one of ``system``."""
        if self.rule is not None and self.rule not in system.rules:
            raise ControlError(f"policy: it is told of the rule {self.rule!r}, which {system.name} has not")
        rule = None if self.rule is None else system.rules[self.rule]
        if self.guarded:
            return judged(world, None, rule, seed, progress=_nothing, watch=watch)
        return judged(world, self._fitted(world), rule, seed, progress=_nothing, watch=watch)

    def save(self, path: str | Path) -> None:
        """Write the policy as safetensors, without what its agents remember."""
        record = {
            "policy": {"system": self.system, "agent": self.agent, "rule": self.rule, "guarded": self.guarded},
            "kinds": self.crew.kinds,
            "learners": list(self.crew.learners),
            "advised": self.crew.advised,
        }
        Path(path).write_bytes(pack(self.crew.arrays(experience=False), record))

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Return the policy in the file ``path``; anything else is a PolicyError."""
        try:
            tensors, record = unpack(Path(path).read_bytes())
            told: dict[str, Any] = record["policy"]
            learners = {
                kind: agents.decode(tensors[f"learner.{index}"].numpy().tobytes())
                for index, kind in enumerate(record["learners"])
            }
        except FileNotFoundError:
            raise PolicyError(f"policy: {path}: no such file") from None
        except (CheckpointError, KeyError) as error:
            raise PolicyError(f"policy: {path} is none that a control has saved ({error})") from None
        return cls(crew=Crew(learners, record["kinds"], record["advised"], scale=1.0), **told)

    def _fitted(self, world: World) -> Crew:
        """Return the crew for the agents of ``world``: other buildings or junctions may be of a kind that it knows."""
        kinds = {agent: world.kind(agent) for agent in world.agents}
        for agent, kind in kinds.items():
            if kind not in self.crew.learners:
                known = " or ".join(self.crew.learners)
                raise ControlError(f"policy: {agent} is of another kind than it has learned: {kind}; expected {known}")
        return replace(self.crew, kinds=kinds)


def _nothing() -> None:
    pass
