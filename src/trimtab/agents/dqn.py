"""A DQN for factored actions: one branch a head, double, dueling, n-step, alone or as an ensemble (Mnih et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self, TypeAlias

import numpy as np
import torch

from trimtab.agents.acting import ActingForward
from trimtab.agents.archive import Archive, pack, random_state, restored_generator
from trimtab.agents.caution import all_cautious, cautious
from trimtab.agents.checks import (
    check_action,
    check_count,
    check_heads,
    check_masks,
    check_observation,
    check_observations,
    check_transition,
)
from trimtab.agents.exploration import Exploration, Prospect, strayed
from trimtab.agents.initial import head_values, no_spreads
from trimtab.agents.learner import Learner
from trimtab.agents.network import Architecture
from trimtab.agents.normaliser import RewardNormaliser
from trimtab.agents.options import DQNOptions
from trimtab.agents.pending import pack_transitions, unpack_transitions
from trimtab.agents.protocol import Decision, Masks, Transition
from trimtab.agents.replay import Replay
from trimtab.agents.windows import LongTransition, Windows
from trimtab.errors import AgentError
from trimtab.seeds import generator

_Prospects: TypeAlias = "tuple[np.ndarray, np.ndarray, np.ndarray, int | None]"


class DQNAgent:
    """A deep Q-learner over ``heads``; every choice about it is in ``options``."""

    def __init__(self, *, features: int, heads: Sequence[int], seed: int, options: DQNOptions) -> None:
        self.features = check_count("features", features)
        self.heads = check_heads(heads)
        self.options = options
        if options.references is not None:
            check_action(options.references, self.heads, "references")
        self._references = None if options.references is None else np.array(options.references)
        self.steps = 0
        if options.advised and self.features < len(self.heads) * max(self.heads):
            wanted = f"at least {len(self.heads)} heads × {max(self.heads)} moves, which hold the advice"
            raise AgentError(f"features: expected {wanted}, got {self.features}")
        architecture = _architecture(self.features, self.heads, options)
        self._architecture = architecture
        self._exploration: Exploration = options.exploration
        prior = np.zeros((len(self.heads), architecture.moves))
        for head, row in enumerate(head_values("prior", 0.0 if options.prior is None else options.prior, self.heads)):
            prior[head, : len(row)] = row
        self._learner = Learner(architecture, options, prior, generator(seed, "agent", "dqn", "weights"))
        weights, prior_weights = self._learner.numpy_weights()
        self._acting = ActingForward(architecture, weights, prior, prior_weights, options.prior_scale)
        self._certain = no_spreads(self.heads)
        self._mask, self._valid = np.zeros((len(self.heads), architecture.moves), dtype=bool), architecture.valid()
        self._mean = np.full(options.members, 1.0 / options.members, dtype=np.float32)
        self._replay = Replay(options.buffer, self.features, len(self.heads), architecture.moves, options.members)
        self._windows = Windows(options.n_step, options.gamma)
        self._rewards = RewardNormaliser(options.normalise_rewards)
        self._counts = [np.zeros(moves, dtype=np.int64) for moves in self.heads]
        self._acting_rng = generator(seed, "agent", "dqn", "acting")
        self._replay_rng = generator(seed, "agent", "dqn", "replay")

    def decide(self, observation: np.ndarray, masks: Masks | None = None, *, explore: bool = True, stream: int = 0) -> Decision:
        """Return a choice for ``observation``, shape (features,)."""
        observation = check_observation("observation", observation, self.features)
        masks = check_masks("masks", masks, self.heads)
        pick = self._exploration.begin(self.steps, self.options.members, stream, self._acting_rng) if explore else None
        self._acting.start(observation)
        action: list[int] = []
        shown: list[np.ndarray] = []
        spreads: list[np.ndarray] = []
        explored: list[bool] = []
        best = np.empty((self.options.members, len(self.heads)), dtype=np.float32)
        worth: np.ndarray | None = None
        references = self._references if not self.options.cautious else self._advised(observation, masks)
        together = None if self._architecture.branch else self._prospects_together(masks, references)
        for head, counts in enumerate(self._counts):
            members, values, spread, settled = together[head] if together else self._prospects(head, masks, worth, references)
            greedy = int(values.argmax()) if settled is None else settled
            move = greedy if pick is None else pick(Prospect(values, spread, counts, members, settled))
            self._acting.choose(head, move)
            best[:, head] = np.maximum.reduce(members, axis=1)
            worth = members[:, move : move + 1] if self._architecture.sequential else None
            action.append(move)
            shown.append(values)
            spreads.append(spread)
            explored.append(move != greedy and (settled is not None or bool(values[move] < values[greedy])))
        whole = self._learner.coordination.worth(best).mean(-1)
        return Decision(tuple(action), tuple(shown), tuple(spreads), tuple(explored), whole)

    def _prospects(self, head: int, masks: Masks | None, worth: np.ndarray | None, references: np.ndarray | None) -> _Prospects:
        """Return the values of ``head`` by each member, their mean, their deviation, and what a cautious agent does.

        A later one of sequential heads says how much worse than its best a move is: that is taken off ``worth``, what the
        choices before it are worth, shape (members, 1).
        """
        members = self._acting.values(head)
        if self._rewards.mode != "none":
            members = members * self._rewards.scale
        if worth is not None:
            allowed = members if masks is None else members[:, masks[head]]
            members = members + (worth - allowed.max(1, keepdims=True))
        if len(members) == 1:
            values, spread = members[0], self._certain[head]
        else:
            values = self._mean @ members
            apart = members - values
            spread = np.sqrt(self._mean @ (apart * apart))
        if masks is not None:
            members = np.where(masks[head], members, -np.inf)
            values, spread = np.where(masks[head], values, -np.inf), np.where(masks[head], spread, 0.0)
        settled = None if references is None else cautious(members, int(references[head]))
        return members, values, spread, settled

    def _prospects_together(self, masks: Masks | None, references: np.ndarray | None) -> list[_Prospects]:
        """Return the prospects of all heads at once: an operation on all of them costs what it costs on one."""
        members = self._acting.table() * self._rewards.scale
        share = np.float32(1.0 / len(members))
        mean = np.add.reduce(members) * share
        apart = members - mean
        spread = np.sqrt(np.add.reduce(apart * apart) * share)
        if masks is not None:
            for row, mask in zip(self._mask, masks, strict=True):
                row[: len(mask)] = mask
            members = np.where(self._mask, members, -np.inf)
            mean, spread = np.where(self._mask, mean, -np.inf), np.where(self._mask, spread, 0.0)
        settled: list[int | None] = [None] * len(self.heads)
        if references is not None:
            there = members if masks is not None else np.where(self._valid, members, -np.inf)
            settled = all_cautious(there, references).tolist()
        return [
            (members[:, head, :moves], mean[head, :moves], spread[head, :moves], settled[head])
            for head, moves in enumerate(self.heads)
        ]

    def _advised(self, observation: np.ndarray, masks: Masks | None) -> np.ndarray | None:
        """Return the move of each head of which the advice at the end of ``observation`` thinks most; None if there is none."""
        moves = self._architecture.moves
        advice = observation[-len(self.heads) * moves :].reshape(len(self.heads), moves)
        if not advice.any():
            return None
        found = np.where(self._valid, advice, -np.inf).argmax(1)
        if masks is None or all(mask[move] for mask, move in zip(masks, found, strict=True)):
            return found
        return None

    def learn(self, transition: Transition) -> None:
        """Take in one transition, and train when its turn has come."""
        transition = check_transition(transition, self.features, self.heads)
        self.steps += 1
        self._rewards.add(transition.reward)
        for counts, move in zip(self._counts, transition.action, strict=True):
            counts[move] += 1
        for long in self._windows.push(transition):
            self._remember(long)
        options = self.options
        if self.steps % options.target_every == 0:
            self._learner.follow()
        if self.steps >= options.learning_starts and self.steps % options.train_every == 0 and self._replay.size:
            self._train()

    def _remember(self, long: LongTransition) -> None:
        values: dict[str, object] = {
            "observation": long.observation,
            "next_observation": long.next_observation,
            "action": long.action,
            "reward": long.reward,
            "weight": long.weight,
            "discount": long.discount,
            "mask": self._padded(long.masks),
            "next_mask": self._padded(long.next_masks),
        }
        if self.options.members > 1 and self.options.bootstrap < 1.0:
            values["member"] = self._replay_rng.random(self.options.members) < self.options.bootstrap
        self._replay.append(values)

    def _padded(self, masks: Masks | None) -> np.ndarray | None:
        if masks is None:
            return None
        padded = np.ones((len(self.heads), self._architecture.moves), dtype=bool)
        for head, mask in enumerate(masks):
            padded[head, : len(mask)] = mask
        return padded

    def _train(self) -> None:
        options = self.options
        block = self._replay.sample(options.block * options.batch_size, self._replay_rng)
        self._learner.train(block, options.rate(self.steps), self._rewards.shift, self._rewards.scale)
        if not torch.isfinite(self._learner.weights).all():
            raise AgentError(
                f"lr: the values of the agent are no longer finite after {self.steps} transitions; lower lr={options.lr:g}"
            )
        self._acting.refresh()

    def adjust(self, *, rate: float, straying: float) -> None:
        """Learn at ``rate`` from now on, and, if exploration is ε-greedy, with ε = ``straying``."""
        self.options = replace(self.options, lr=rate, lr_steps=0, exploration=strayed(self._exploration, straying))
        self._exploration = self.options.exploration

    def values(self, observations: np.ndarray, *, averaged: bool = False) -> np.ndarray:
        """Return the values of all moves at ``observations`` (n, features), shape (members, n, heads, moves), padded.

        Of sequential heads only the first has values that hang on no other's move: shape (members, n, 1, moves).
        ``averaged``: by the target network, which with ``tau`` below 1 is a running average of what was learned.
        """
        observations = check_observations(observations, self.features)
        values = self._learner.values(torch.from_numpy(np.ascontiguousarray(observations)), averaged=averaged)
        return values.numpy().astype(np.float64) * self._rewards.scale

    def value(self, observations: np.ndarray, masks: Sequence[Masks] | None = None) -> np.ndarray:
        """Return the value of acting greedily from each of ``observations`` (n, features), shape (members, n)."""
        observations = check_observations(observations, self.features)
        padded = None
        if masks is not None:
            if len(masks) != len(observations):
                raise AgentError(f"masks: expected one entry for each of {len(observations)} observations, got {len(masks)}")
            rows = [self._padded(check_masks(f"masks[{index}]", each, self.heads)) for index, each in enumerate(masks)]
            padded = torch.from_numpy(np.array(rows, dtype=bool))
        worth = self._learner.worth(torch.from_numpy(np.ascontiguousarray(observations)), padded)
        return worth.numpy().astype(np.float64) * self._rewards.scale

    def weights(self, *, averaged: bool = False) -> dict[str, np.ndarray]:
        """Return what was learned, by the names of the network's arrays; the randomised prior's begin with ``prior.``.

        ``averaged``: of the target network, as for ``values``.
        """
        weights, prior = self._learner.numpy_weights(averaged=averaged)
        return {name: array.copy() for name, array in (*weights.items(), *prior.items())}

    @property
    def architecture(self) -> Architecture:
        """The shape of the network."""
        return self._architecture

    @property
    def reward_scale(self) -> float:
        """By which rewards are divided before they are learned, and values multiplied before they are shown."""
        return self._rewards.scale

    def encode(self, *, experience: bool = True) -> bytes:
        """Return the whole agent as safetensors bytes; without ``experience``, what it remembers is left out."""
        arrays = self._learner.arrays()
        arrays.update({f"counts.{head}": counts for head, counts in enumerate(self._counts)})
        if experience:
            arrays.update(self._replay.arrays())
            arrays.update(pack_transitions("held", self._windows.held(), self.features, self.heads))
        state = {
            "features": self.features,
            "heads": self.heads,
            "options": self.options.described(),
            "steps": self.steps,
            "rewards": [self._rewards.count, self._rewards.mean, self._rewards.squares],
            "position": self._replay.position if experience else 0,
            "acting_random": random_state(self._acting_rng),
            "replay_random": random_state(self._replay_rng),
        }
        return pack("dqn", arrays, state)

    @classmethod
    def from_archive(cls, archive: Archive) -> Self:
        """Return the agent that was encoded."""
        state, arrays = archive.state, archive.arrays
        agent = cls(features=state["features"], heads=state["heads"], seed=0, options=DQNOptions(**state["options"]))
        agent.steps = state["steps"]
        agent._learner.restore(arrays)
        agent._acting.refresh()
        agent._rewards = RewardNormaliser(agent.options.normalise_rewards, *state["rewards"])
        agent._counts = [arrays[f"counts.{head}"].copy() for head in range(len(agent.heads))]
        agent._replay.restore(arrays, state["position"])
        if "held.reward" in arrays:
            agent._windows.hold(unpack_transitions("held", arrays, agent.heads))
        agent._acting_rng = restored_generator(state["acting_random"])
        agent._replay_rng = restored_generator(state["replay_random"])
        return agent


def _architecture(features: int, heads: tuple[int, ...], options: DQNOptions) -> Architecture:
    return Architecture(
        features=features,
        heads=heads,
        hidden=tuple(options.hidden),
        branch=options.branch,
        dueling=options.dueling,
        sequential=options.coordination == "sequential",
        members=options.members,
        shared_trunk=options.trunk == "shared" and options.members > 1,
        randomised_prior=options.members > 1 and options.prior_scale > 0,
        advised=options.advised,
    )
