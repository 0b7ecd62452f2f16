"""Agents by name: to make one, and to bring one back from bytes. A new agent is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from trimtab.agents.archive import Archive, unpack
from trimtab.agents.checks import check_choice
from trimtab.agents.protocol import Agent
from trimtab.errors import AgentError


def make(name: str, *, features: int, heads: Sequence[int], seed: int, **options: Any) -> Agent:
    """Return a fresh agent: "q-learning", "sarsa", "dqn", a bandit or "random"; ``options`` are those of its kind.

    Bandits, which do not look ahead: "bernoulli" (no state), "linear" and "neural" (a DQN with γ = 0 and Thompson sampling).

    >>> agent = make("q-learning", features=1, heads=(2,), seed=0, alpha=0.5, gamma=0.9)
    >>> agent.decide([3.0], explore=False).action
    (0,)
    """
    return _MAKERS[check_choice("agent", name, tuple(_MAKERS))](name, features, heads, seed, options)


def decode(data: bytes) -> Agent:
    """Return the agent that was encoded, to go on exactly where it was; other bytes are an AgentError."""
    archive = unpack(data)
    if archive.kind not in _READERS:
        raise AgentError(f"data: expected an agent of a kind in {', '.join(map(repr, _READERS))}, got {archive.kind!r}")
    try:
        return _READERS[archive.kind](archive)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise AgentError(f"data: expected the parts of a {archive.kind!r} agent, got others ({error})") from error


def _options(name: str, kind: Any, given: dict[str, Any]) -> Any:
    legal = tuple(field.name for field in fields(kind))
    for option in given:
        check_choice(f"option of {name!r}", option, legal)
    return kind(**given)


def _tabular(name: str, features: int, heads: Sequence[int], seed: int, options: dict[str, Any]) -> Agent:
    from trimtab.agents.tabular import TabularAgent, TabularOptions

    return TabularAgent(name, features=features, heads=heads, seed=seed, options=_options(name, TabularOptions, options))


def _dqn(name: str, features: int, heads: Sequence[int], seed: int, options: dict[str, Any]) -> Agent:
    from trimtab.agents.dqn import DQNAgent
    from trimtab.agents.options import DQNOptions

    return DQNAgent(features=features, heads=heads, seed=seed, options=_options(name, DQNOptions, options))


def _neural(name: str, features: int, heads: Sequence[int], seed: int, options: dict[str, Any]) -> Agent:
    bandit = {"gamma": 0.0, "n_step": 1, "members": 5, "exploration": {"name": "thompson", "per": "decision"}}
    return _dqn(name, features, heads, seed, {**bandit, **options})


def _linear(name: str, features: int, heads: Sequence[int], seed: int, options: dict[str, Any]) -> Agent:
    from trimtab.agents.linear import LinearBandit, LinearOptions

    return LinearBandit(features=features, heads=heads, seed=seed, options=_options(name, LinearOptions, options))


def _bernoulli(name: str, features: int, heads: Sequence[int], seed: int, options: dict[str, Any]) -> Agent:
    from trimtab.agents.bernoulli import BernoulliBandit

    if options:
        raise AgentError(f"option of {name!r}: expected none, got {next(iter(options))!r}")
    return BernoulliBandit(features=features, heads=heads, seed=seed)


def _random(name: str, features: int, heads: Sequence[int], seed: int, options: dict[str, Any]) -> Agent:
    from trimtab.agents.random_agent import RandomAgent

    if options:
        raise AgentError(f"option of {name!r}: expected none, got {next(iter(options))!r}")
    return RandomAgent(features=features, heads=heads, seed=seed)


def _read_tabular(archive: Archive) -> Agent:
    from trimtab.agents.tabular import TabularAgent

    return TabularAgent.from_archive(archive)


def _read_dqn(archive: Archive) -> Agent:
    from trimtab.agents.dqn import DQNAgent

    return DQNAgent.from_archive(archive)


def _read_linear(archive: Archive) -> Agent:
    from trimtab.agents.linear import LinearBandit

    return LinearBandit.from_archive(archive)


def _read_bernoulli(archive: Archive) -> Agent:
    from trimtab.agents.bernoulli import BernoulliBandit

    return BernoulliBandit.from_archive(archive)


def _read_random(archive: Archive) -> Agent:
    from trimtab.agents.random_agent import RandomAgent

    return RandomAgent.from_archive(archive)


_MAKERS: dict[str, Callable[[str, int, Sequence[int], int, dict[str, Any]], Agent]] = {
    "q-learning": _tabular,
    "sarsa": _tabular,
    "dqn": _dqn,
    "neural": _neural,
    "linear": _linear,
    "bernoulli": _bernoulli,
    "random": _random,
}
_READERS: dict[str, Callable[[Archive], Agent]] = {
    "q-learning": _read_tabular,
    "sarsa": _read_tabular,
    "dqn": _read_dqn,
    "linear": _read_linear,
    "bernoulli": _read_bernoulli,
    "random": _read_random,
}
