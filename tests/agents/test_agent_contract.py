"""Every agent that ships keeps the contract that is shipped for agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from trimtab.agents import Agent, AgentContract, make

SMALL: dict[str, Any] = {
    "hidden": (16,),
    "learning_starts": 8,
    "batch_size": 16,
    "buffer": 512,
    "train_every": 4,
    "gradient_steps": 1,
    "lr": 1e-2,
}
QUICK: dict[str, Any] = {"name": "epsilon-greedy", "start": 1.0, "end": 0.1, "steps": 100}


class TestRandom(AgentContract):
    learns = False

    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("random", features=features, heads=heads, seed=seed)


class TestBernoulli(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("bernoulli", features=features, heads=heads, seed=seed)


@pytest.mark.parametrize("exploration", ["ucb", "thompson"])
class TestLinear(AgentContract):
    @pytest.fixture(autouse=True)
    def _explore(self, exploration: str) -> None:
        self.exploration = exploration

    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("linear", features=features, heads=heads, seed=seed, exploration=self.exploration)


class TestNeural(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("neural", features=features, heads=heads, seed=seed, **SMALL)


class TestQLearning(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("q-learning", features=features, heads=heads, seed=seed, alpha=0.2, gamma=0.9, exploration=QUICK)


class TestSequentialQLearning(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("q-learning", features=features, heads=heads, seed=seed, coordination="sequential", exploration="ucb")


class TestSarsa(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("sarsa", features=features, heads=heads, seed=seed, alpha=0.2, gamma=0.9, exploration=QUICK)


class TestSequentialSarsa(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make("sarsa", features=features, heads=heads, seed=seed, coordination="sequential", exploration="boltzmann")


@pytest.mark.parametrize("coordination", ["independent", "value-decomposition", "sequential"])
class TestDQN(AgentContract):
    @pytest.fixture(autouse=True)
    def _coordinate(self, coordination: str) -> None:
        self.coordination = coordination

    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        return make(
            "dqn",
            features=features,
            heads=heads,
            seed=seed,
            coordination=self.coordination,
            exploration=QUICK,
            n_step=2,
            **SMALL,
        )


@pytest.mark.parametrize("trunk", ["shared", "separate"])
@pytest.mark.parametrize("coordination", ["value-decomposition", "sequential"])
class TestDQNEnsemble(AgentContract):
    @pytest.fixture(autouse=True)
    def _ensemble(self, trunk: str, coordination: str) -> None:
        self.parts = {"trunk": trunk, "coordination": coordination}

    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        options: dict[str, Any] = {"members": 3, "bootstrap": 0.7, "exploration": "thompson", "normalise_rewards": "scale"}
        return make("dqn", features=features, heads=heads, seed=seed, **self.parts, **options, **SMALL)


class TestPlainDQN(AgentContract):
    def agent(self, *, features: int, heads: Sequence[int], seed: int) -> Agent:
        options: dict[str, Any] = {"double": False, "dueling": False, "n_step": 1, "branch": 8, "tau": 0.1, "target_every": 5}
        options |= {"normalise_rewards": "shift-and-scale", "exploration": QUICK, "lr_steps": 400}
        return make("dqn", features=features, heads=heads, seed=seed, **options, **SMALL)
