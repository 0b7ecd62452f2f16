"""Heads that have to agree: six dimensions of 33 bins whose neighbours interact, and a game that additive heads lose.

One step, a context x: choose u in {−1 … 1}⁶, 33 values each (33⁶ ≈ 1.3·10⁹ joint actions: no flat agent fits), and get

    r = −Σ_d (u_d − a_d(x))² − κ Σ_d (u_d u_{d+1} − b_d(x))².

Neighbours interact by their product, so that the best u_d turns its sign with that of its neighbour. The chain has an exact
optimum by dynamic programming. A score is 0 for random choices and 1 for that optimum.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.results import Headline, interval
from trimtab.agents import Agent, Transition, make
from trimtab.seeds import generator

DIMENSIONS, BINS, CONTEXT, COUPLING = 6, 33, 4, 2.0
COORDINATIONS = ("independent", "value-decomposition", "sequential")
OPTIONS: dict[str, Any] = {
    "hidden": (128, 128), "branch": 32, "n_step": 1, "gamma": 1.0, "lr": 1e-3, "batch_size": 64, "train_every": 2,
    "buffer": 50_000, "gradient_steps": 1, "learning_starts": 200, "target_every": 200,
}  # fmt: skip
PAYOFF = np.array([[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]])


@dataclass(frozen=True)
class Chain:
    """The task of one seed: linear maps from a context to the wishes a and b."""

    to_single: np.ndarray
    to_pair: np.ndarray

    @classmethod
    def drawn(cls, seed: int) -> Chain:
        rng = generator(seed, "chain")
        return cls(rng.normal(size=(CONTEXT, DIMENSIONS)) * 0.2, rng.normal(size=(CONTEXT, DIMENSIONS - 1)) * 0.4)

    def _wishes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.tanh(x @ self.to_single), np.tanh(x @ self.to_pair)

    def reward(self, x: np.ndarray, action: tuple[int, ...]) -> float:
        u = _levels()[list(action)]
        single, pair = self._wishes(x)
        return float(-((u - single) ** 2).sum() - COUPLING * ((u[:-1] * u[1:] - pair) ** 2).sum())

    def optimum(self, x: np.ndarray) -> float:
        """Return the highest reward at ``x``: dynamic programming along the chain."""
        single, pair = self._wishes(x)
        u = _levels()
        best = -((u - single[0]) ** 2)
        for d in range(1, DIMENSIONS):
            joint = best[:, None] - COUPLING * (u[:, None] * u[None, :] - pair[d - 1]) ** 2
            best = joint.max(0) - (u - single[d]) ** 2
        return float(best.max())


def _levels() -> np.ndarray:
    return np.linspace(-1.0, 1.0, BINS)


def chain_score(coordination: str, seed: int, steps: int, contexts: int = 300) -> float:
    """Return how far the agent comes from random (0) to the optimum (1) on contexts that it did not learn from."""
    chain = Chain.drawn(seed)
    rng = generator(seed, "contexts")
    exploration = {"name": "epsilon-greedy", "start": 1.0, "end": 0.05, "steps": steps // 2}
    agent = make(
        "dqn", features=CONTEXT, heads=(BINS,) * DIMENSIONS, seed=seed, coordination=coordination, exploration=exploration,
        lr_end=1e-4, lr_steps=steps, **OPTIONS,
    )  # fmt: skip
    for step in range(steps):
        x = rng.normal(size=CONTEXT).astype(np.float32)
        action = agent.decide(x, stream=step).action
        agent.learn(Transition(x, action, chain.reward(x, action), x, terminated=True, stream=step))
    return _judged(agent, chain, generator(seed, "judge").normal(size=(contexts, CONTEXT)).astype(np.float32), rng)


def _judged(agent: Agent, chain: Chain, contexts: np.ndarray, rng: np.random.Generator) -> float:
    ours = np.mean([chain.reward(x, agent.decide(x, explore=False).action) for x in contexts])
    best = np.mean([chain.optimum(x) for x in contexts])
    chance = np.mean(
        [chain.reward(x, tuple(rng.integers(BINS, size=DIMENSIONS).tolist())) for x in contexts for _ in range(10)]
    )
    return float((ours - chance) / (best - chance))


def chain(seeds: Iterable[int], steps: int) -> tuple[list[Headline], dict[str, Any]]:
    """Compare the three coordinations on the same tasks."""
    scores: dict[str, list[float]] = {name: [] for name in COORDINATIONS}
    for seed in seeds:
        for name, found in scores.items():
            found.append(chain_score(name, seed, steps))
        print(f"  chain seed {seed}: " + ", ".join(f"{name} {found[-1]:.3f}" for name, found in scores.items()), flush=True)
    headlines: list[Headline] = []
    for name, title in (("sequential", "sequential"), ("value-decomposition", "value decomposition")):
        value, peer = statistics.median(scores[name]), statistics.median(scores["independent"])
        ratios = [mine / other for mine, other in zip(scores[name], scores["independent"], strict=True)]
        headlines.append(
            Headline(
                f"factored: {title} over independent",
                value,
                "independent heads",
                peer,
                statistics.median(ratios),
                *interval(ratios),
                seeds=len(ratios),
                better="higher",
            )
        )
    return headlines, {"factored": {"scores": scores, "steps": steps, "options": OPTIONS}}


def game_reward(name: str, seed: int, pulls: int, **options: Any) -> float:
    """Return what the greedy joint move of an agent earns in the game after ``pulls`` of it."""
    agent = make(name, features=1, heads=(3, 3), seed=seed, **options)
    state = np.zeros(1, dtype=np.float32)
    for pull in range(pulls):
        action = agent.decide(state, stream=pull).action
        agent.learn(Transition(state, action, float(PAYOFF[action]), state, terminated=True, stream=pull))
    return float(PAYOFF[agent.decide(state, explore=False).action])


def matrix_game(seeds: Iterable[int]) -> dict[str, Any]:
    """Return what each coordination earns in the game of Son et al. 2019 (QTRAN), where 8 is best: a known limit."""
    explore = {"name": "epsilon-greedy", "start": 1.0, "end": 1.0, "steps": 0}
    deep: dict[str, Any] = {"hidden": (32,), "branch": 16, "n_step": 1, "lr": 1e-2, "learning_starts": 50, "train_every": 1}
    entrants: dict[str, tuple[str, int, dict[str, Any]]] = {
        f"dqn, {name}": ("dqn", 1_000, {**deep, "coordination": name}) for name in COORDINATIONS
    } | {f"q-learning, {name}": ("q-learning", 2_000, {"coordination": name}) for name in ("independent", "sequential")}
    earned = {
        title: [game_reward(name, seed, pulls, exploration=explore, **options) for seed in seeds]
        for title, (name, pulls, options) in entrants.items()
    }
    for title, rewards in earned.items():
        print(f"  matrix game, {title}: {rewards}", flush=True)
    return {"matrix_game": {"best": 8.0, "earned": earned}}
