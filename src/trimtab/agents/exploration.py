"""How an agent strays from what it values highest: small objects that hold no state but their own numbers.

``begin`` opens one decision and returns a function which picks a move for each head in turn, so that what is drawn once for
a decision (a member of the ensemble, a coin) holds for all its heads.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from trimtab.agents.checks import check_choice, check_count, check_number
from trimtab.errors import AgentError


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of the moves of one head. Masked moves have the value −inf.

    ``values``, ``spreads``, ``counts`` have shape (moves,): value, its standard deviation over the ensemble, times taken.
    ``members``, shape (members, moves): the value by each member of the ensemble. ``settled``: the move that a cautious
    agent would make without exploring, where that is not simply the highest value.
    """

    values: np.ndarray
    spreads: np.ndarray
    counts: np.ndarray
    members: np.ndarray
    settled: int | None = None


Pick = Callable[[Prospect], int]
"""Chooses a move of one head."""


class Exploration(Protocol):
    """A way to explore. ``step`` counts what the agent has learned from so far; ``stream`` names the episode."""

    def begin(self, step: int, members: int, stream: int, rng: np.random.Generator) -> Pick: ...


def highest(values: np.ndarray, rng: np.random.Generator) -> int:
    """Return the index of the highest value; one of them at random if they are several."""
    best = int(values.argmax())
    ties = values == values[best]
    return best if np.count_nonzero(ties) == 1 else int(rng.choice(ties.nonzero()[0]))


def _any_allowed(values: np.ndarray, rng: np.random.Generator) -> int:
    allowed = (values > -np.inf).nonzero()[0]
    return int(allowed[rng.integers(len(allowed))])


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """A random move with probability ε, which falls linearly from ``start`` to ``end`` over ``steps`` transitions.

    ``per_head``: every head tosses its own coin; otherwise one coin is tossed for all of them.
    """

    start: float = 1.0
    end: float = 0.05
    steps: int = 10_000
    per_head: bool = True

    def __post_init__(self) -> None:
        check_number("start", self.start, 0.0, 1.0)
        check_number("end", self.end, 0.0, 1.0)
        check_count("steps", self.steps, least=0)

    def epsilon(self, step: int) -> float:
        """Return ε after ``step`` transitions.

        >>> EpsilonGreedy(1.0, 0.2, steps=4).epsilon(1)
        0.8
        """
        return self.end if step >= self.steps else self.start + (self.end - self.start) * step / self.steps

    def begin(self, step: int, members: int, stream: int, rng: np.random.Generator) -> Pick:  # noqa: ARG002 (protocol)
        epsilon = self.epsilon(step)
        if not self.per_head:
            epsilon = float(rng.random() < epsilon)

        def pick(prospect: Prospect) -> int:
            if rng.random() < epsilon:
                return _any_allowed(prospect.values, rng)
            return highest(prospect.values, rng) if prospect.settled is None else prospect.settled

        return pick


@dataclass(frozen=True, slots=True)
class Boltzmann:
    """A move with probability proportional to exp(value / temperature)."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, 0.0, np.finfo(float).max, open_low=True)

    def begin(self, step: int, members: int, stream: int, rng: np.random.Generator) -> Pick:  # noqa: ARG002 (protocol)
        def pick(prospect: Prospect) -> int:
            weights = np.exp((prospect.values - prospect.values.max()).astype(np.float64) / self.temperature)
            edges = weights.cumsum()
            return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))

        return pick


@dataclass(frozen=True, slots=True)
class UCB:
    """The move with the highest value + bonus: c·spread of an ensemble; of a single learner c·√(ln N / n), untried moves first.

    Auer, Cesa-Bianchi & Fischer 2002 for the counts (of the state in a table, of the head in a network).
    """

    c: float = 1.0

    def __post_init__(self) -> None:
        check_number("c", self.c, 0.0, np.finfo(float).max)

    def begin(self, step: int, members: int, stream: int, rng: np.random.Generator) -> Pick:  # noqa: ARG002 (protocol)
        def pick(prospect: Prospect) -> int:
            if members > 1:
                return highest(prospect.values + self.c * prospect.spreads, rng)
            counts = prospect.counts
            allowed = prospect.values > -np.inf
            untried = (allowed & (counts == 0)).nonzero()[0]
            if self.c > 0 and len(untried):
                return int(untried[rng.integers(len(untried))])
            total = max(int(counts[allowed].sum()), 1)
            return highest(prospect.values + self.c * np.sqrt(np.log(total) / np.maximum(counts, 1)), rng)

        return pick


@dataclass(frozen=True, slots=True)
class Thompson:
    """The move that one member of the ensemble values highest: a member for each decision, or for each stream.

    Osband et al. 2016, Bootstrapped DQN. ``salt`` decides which member goes with which stream.
    """

    per: str = "stream"
    salt: int = 0

    def __post_init__(self) -> None:
        check_choice("per", self.per, ("decision", "stream"))

    def begin(self, step: int, members: int, stream: int, rng: np.random.Generator) -> Pick:  # noqa: ARG002 (protocol)
        drawn = int(rng.integers(members)) if self.per == "decision" else zlib.crc32(f"{self.salt}/{stream}".encode()) % members
        return lambda prospect: highest(prospect.members[drawn], rng)


def strayed(exploration: Exploration, epsilon: float) -> Exploration:
    """Return ``exploration`` with ε held at ``epsilon`` if it is ε-greedy; another is returned as it is."""
    if not isinstance(exploration, EpsilonGreedy):
        return exploration
    return EpsilonGreedy(epsilon, epsilon, steps=0, per_head=exploration.per_head)


_KINDS: dict[str, Any] = {
    "epsilon-greedy": EpsilonGreedy,
    "boltzmann": Boltzmann,
    "ucb": UCB,
    "thompson": Thompson,
}


def exploration_from(value: Any, *, members: int) -> Any:
    """Return the exploration that ``value`` is, or names, or describes as a mapping with a ``name`` and its numbers."""
    if isinstance(value, Mapping):
        numbers = {str(key): number for key, number in value.items() if key != "name"}
        kind = _KINDS[check_choice("exploration['name']", value.get("name"), tuple(_KINDS))]
        try:
            value = kind(**numbers)
        except TypeError as error:
            raise AgentError(f"exploration: expected the numbers of {kind.__name__}, got {numbers!r}") from error
    elif isinstance(value, str):
        value = _KINDS[check_choice("exploration", value, tuple(_KINDS))]()
    if not isinstance(value, tuple(_KINDS.values())):
        raise AgentError(f"exploration: expected one of {', '.join(map(repr, _KINDS))} or such an object, got {value!r}")
    if isinstance(value, Thompson) and members < 2:
        raise AgentError(f"exploration: Thompson draws a member of an ensemble, expected members of at least 2, got {members}")
    return value


def described(exploration: Any) -> dict[str, Any]:
    """Return ``exploration`` as the mapping that ``exploration_from`` reads."""
    name = next(name for name, kind in _KINDS.items() if type(exploration) is kind)
    return {"name": name, **asdict(exploration)}
