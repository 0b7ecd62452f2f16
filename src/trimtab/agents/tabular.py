"""Q-learning and SARSA on tables: small, exact, and every value can be read.

With several heads there is one table a head. ``independent``: each looks at the state alone and is told the whole reward.
``sequential``: a head's state holds the moves chosen before it, and is worth what the next head makes of it, so that the
tables together represent any joint value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from trimtab.agents import discretiser as discretisers
from trimtab.agents import exploration as explorations
from trimtab.agents.archive import Archive, pack, random_state, restored_generator
from trimtab.agents.checks import (
    check_choice,
    check_count,
    check_heads,
    check_masks,
    check_number,
    check_observation,
    check_observations,
    check_transition,
)
from trimtab.agents.discretiser import Discretiser, IntegerStates, State
from trimtab.agents.exploration import EpsilonGreedy, Exploration, Pick, Prospect, strayed
from trimtab.agents.initial import head_values, no_spreads
from trimtab.agents.pending import pack_transitions, unpack_transitions
from trimtab.agents.protocol import Decision, Masks, Transition
from trimtab.agents.table import ValueTable
from trimtab.agents.targets import q_learning, sarsa, step_size, td_error
from trimtab.seeds import generator

RULES = ("q-learning", "sarsa")


@dataclass(frozen=True, slots=True, kw_only=True)
class TabularOptions:
    """Everything that may be chosen about a tabular agent.

    ``alpha``: step size α; ``alpha_power``: it is divided by (visits of the state and move)^power, 0 keeps it constant.
    ``gamma``: discount γ. ``initial``: first value of every move: a number, or a sequence of numbers a head.
    ``discretiser``: a Discretiser, or None for observations that are integers. ``coordination``: "independent" or "sequential".
    """

    alpha: float = 0.1
    alpha_power: float = 0.0
    gamma: float = 1.0
    initial: float | Sequence[Sequence[float]] = 0.0
    discretiser: Discretiser | IntegerStates | None = None
    coordination: str = "independent"
    exploration: Any = field(default_factory=lambda: EpsilonGreedy(start=0.1, end=0.1, steps=0))

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, 0.0, 1.0, open_low=True)
        check_number("alpha_power", self.alpha_power, 0.0, 1.0)
        check_number("gamma", self.gamma, 0.0, 1.0)
        check_choice("coordination", self.coordination, ("independent", "sequential"))
        object.__setattr__(self, "exploration", explorations.exploration_from(self.exploration, members=1))


class TabularAgent:
    """A learner with one value table a head; ``rule`` is "q-learning" or "sarsa"."""

    def __init__(self, rule: str, *, features: int, heads: Sequence[int], seed: int, options: TabularOptions) -> None:
        self.rule = check_choice("rule", rule, RULES)
        self.features = check_count("features", features)
        self.heads = check_heads(heads)
        self.options = options
        self.steps = 0
        self._discretiser = discretisers.discretiser_from(options.discretiser, self.features)
        self._exploration: Exploration = options.exploration
        self._sequential = options.coordination == "sequential"
        self._rng = generator(seed, "agent", rule)
        self._tables = [ValueTable(values) for values in head_values("initial", options.initial, self.heads)]
        self._awaiting: dict[int, Transition] = {}
        self._certain = no_spreads(self.heads)

    def decide(self, observation: np.ndarray, masks: Masks | None = None, *, explore: bool = True, stream: int = 0) -> Decision:
        """Return a choice for ``observation``, shape (features,)."""
        observation = check_observation("observation", observation, self.features)
        masks = check_masks("masks", masks, self.heads)
        state = self._discretiser.state(observation)
        return self._decide(state, masks, explore=explore, stream=stream)

    def _decide(self, state: State, masks: Masks | None, *, explore: bool, stream: int) -> Decision:
        pick: Pick | None = self._exploration.begin(self.steps, 1, stream, self._rng) if explore else None
        action: tuple[int, ...] = ()
        shown: list[np.ndarray] = []
        explored: list[bool] = []
        for head, table in enumerate(self._tables):
            key = state + action if self._sequential else state
            values = _masked(table.values(key), masks, head).copy()
            move = greedy = int(values.argmax())
            if pick is not None:
                move = pick(Prospect(values, self._certain[head], table.counts(key), values[None]))
            action += (move,)
            shown.append(values)
            explored.append(bool(values[move] < values[greedy]))
        worth = np.mean([values.max() for values in (shown[:1] if self._sequential else shown)], keepdims=True)
        return Decision(action, tuple(shown), self._certain, tuple(explored), worth)

    def learn(self, transition: Transition) -> None:
        """Learn from one transition: at once for Q-learning, when the next action of its stream is known for SARSA."""
        transition = check_transition(transition, self.features, self.heads)
        self.steps += 1
        if self.rule == "q-learning":
            self._learn_q(transition)
            return
        waiting = self._awaiting.pop(transition.stream, None)
        if waiting is not None:
            self._learn_sarsa(waiting, transition.action)
        if transition.terminated:
            self._learn_sarsa(transition, None)
        elif transition.truncated:
            state = self._discretiser.state(transition.next_observation)
            would = self._decide(state, transition.next_masks, explore=True, stream=transition.stream)
            self._learn_sarsa(transition, would.action)
        else:
            self._awaiting[transition.stream] = transition

    def _learn_q(self, transition: Transition) -> None:
        state = self._discretiser.state(transition.observation)
        next_state = None if transition.terminated else self._discretiser.state(transition.next_observation)
        for head in reversed(range(len(self.heads))):
            values, counts = self._row(state, transition.action, head)
            move = transition.action[head]
            if self._sequential and head + 1 < len(self.heads):
                later = self._tables[head + 1].values((*state, *transition.action[: head + 1]))
                delta = q_learning(values[move], 0.0, 1.0, _masked(later, transition.masks, head + 1))
            elif next_state is None:
                delta = td_error(values[move], transition.reward, 0.0, 0.0)
            else:
                first = 0 if self._sequential else head
                q_t = _masked(self._tables[first].values(next_state), transition.next_masks, first)
                delta = q_learning(values[move], transition.reward, self.options.gamma, q_t)
            self._move(values, counts, move, delta)

    def _learn_sarsa(self, transition: Transition, next_action: tuple[int, ...] | None) -> None:
        state = self._discretiser.state(transition.observation)
        for head in reversed(range(len(self.heads))):
            values, counts = self._row(state, transition.action, head)
            move = transition.action[head]
            if self._sequential and head + 1 < len(self.heads):
                later = self._tables[head + 1].values((*state, *transition.action[: head + 1]))
                delta = sarsa(values[move], 0.0, 1.0, later, transition.action[head + 1])
            elif next_action is None:
                delta = td_error(values[move], transition.reward, 0.0, 0.0)
            else:
                first = 0 if self._sequential else head
                q_t = self._tables[first].values(self._discretiser.state(transition.next_observation))
                delta = sarsa(values[move], transition.reward, self.options.gamma, q_t, next_action[first])
            self._move(values, counts, move, delta)

    def _row(self, state: State, action: tuple[int, ...], head: int) -> tuple[np.ndarray, np.ndarray]:
        return self._tables[head].row(state + action[:head] if self._sequential else state)

    def _move(self, values: np.ndarray, counts: np.ndarray, move: int, delta: float) -> None:
        counts[move] += 1
        values[move] += step_size(self.options.alpha, int(counts[move]), self.options.alpha_power) * delta

    def adjust(self, *, rate: float, straying: float) -> None:
        """Learn with step size ``rate`` from now on, and, if exploration is ε-greedy, with ε = ``straying``."""
        self.options = replace(self.options, alpha=rate, exploration=strayed(self._exploration, straying))
        self._exploration = self.options.exploration

    def value(self, observations: np.ndarray, masks: Sequence[Masks] | None = None) -> np.ndarray:
        """Return the value of acting greedily from each of ``observations`` (n, features), shape (1, n)."""
        observations = check_observations(observations, self.features)
        worth = np.empty((1, len(observations)))
        for index, observation in enumerate(observations):
            state = self._discretiser.state(observation)
            allowed = None if masks is None else check_masks(f"masks[{index}]", masks[index], self.heads)
            tables = self._tables[:1] if self._sequential else self._tables
            worth[0, index] = np.mean([_masked(table.values(state), allowed, head).max() for head, table in enumerate(tables)])
        return worth

    def table(self, head: int = 0) -> dict[State, np.ndarray]:
        """Return the values of ``head``, a row of moves for each state that was met, in the order of the states."""
        table = self._tables[head]
        return {state: table.values(state).copy() for state in sorted(table)}

    def __str__(self) -> str:
        lines: list[str] = []
        for head in range(len(self.heads)):
            lines += [f"head {head}  ({self.rule}, {len(self._tables[head])} states)"]
            for state, values in self.table(head).items():
                cells = "  ".join(f"{value:9.4g}{'*' if value == values.max() else ' '}" for value in values)
                lines.append(f"  {','.join(map(str, state)):>12}  {cells}")
        return "\n".join(lines)

    def encode(self) -> bytes:
        """Return the whole agent as safetensors bytes."""
        arrays = {
            f"table.{head}.{name}": array for head, table in enumerate(self._tables) for name, array in table.arrays().items()
        }
        arrays.update(pack_transitions("awaiting", list(self._awaiting.values()), self.features, self.heads))
        options = {each.name: getattr(self.options, each.name) for each in fields(self.options)}
        options["discretiser"] = discretisers.described(self._discretiser)
        options["exploration"] = explorations.described(self._exploration)
        state = {"features": self.features, "heads": self.heads, "options": options, "steps": self.steps}
        return pack(self.rule, arrays, {**state, "random": random_state(self._rng)})

    @classmethod
    def from_archive(cls, archive: Archive) -> Self:
        """Return the agent that was encoded."""
        state = archive.state
        options = TabularOptions(**state["options"])
        agent = cls(archive.kind, features=state["features"], heads=state["heads"], seed=0, options=options)
        agent.steps = state["steps"]
        agent._rng = restored_generator(state["random"])
        for head, table in enumerate(agent._tables):
            stored = {name: archive.arrays[f"table.{head}.{name}"] for name in ("states", "values", "counts")}
            agent._tables[head] = ValueTable.from_arrays(table.initial, **stored)
        waiting = unpack_transitions("awaiting", archive.arrays, agent.heads)
        agent._awaiting = {transition.stream: transition for transition in waiting}
        return agent


def _masked(values: np.ndarray, masks: Masks | None, head: int) -> np.ndarray:
    return values if masks is None else np.where(masks[head], values, -np.inf)
