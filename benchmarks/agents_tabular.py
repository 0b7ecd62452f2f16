"""Tabular agents beside the exact optimum, which is computed here from the environments' own transition tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from benchmarks.exact import Process
from benchmarks.results import Headline, interval
from trimtab.agents import Agent, EpsilonGreedy, adapt, make, train


@dataclass(frozen=True)
class Course:
    """An environment of integer states, how long its episodes may be, and one configuration for all seeds."""

    env: str
    horizon: int
    steps: int
    options: dict[str, Any]
    headline: str


FROZEN_LAKE = Course(
    "FrozenLake-v1", 100, 200_000,
    {"alpha": 1.0, "alpha_power": 0.6, "gamma": 0.99, "exploration": EpsilonGreedy(0.6, 0.6, 0)},
    "FrozenLake-v1 mean return, worst seed",
)  # fmt: skip
TAXI = Course(
    "Taxi-v4", 200, 200_000,
    {"alpha": 1.0, "gamma": 1.0, "initial": 20.0, "exploration": EpsilonGreedy(0.1, 0.1, 0)},
    "Taxi-v4 mean return, worst seed",
)  # fmt: skip
CLIFF = Course(
    "CliffWalking-v1", 500, 30_000, {"alpha": 0.5, "gamma": 1.0, "exploration": EpsilonGreedy(0.1, 0.1, 0)},
    "CliffWalking-v1 greedy return, worst seed",
)  # fmt: skip


def greedy_policy(agent: Agent, states: int) -> np.ndarray:
    return np.array([agent.decide(np.array([state]), explore=False).action[0] for state in range(states)])


def optimum(course: Course, seeds: Iterable[int], rule: str = "q-learning") -> tuple[list[Headline], dict[str, Any]]:
    """Train on every seed; return the exact mean return of the greedy policy of the worst one, beside the exact optimum."""
    process = Process.of(gymnasium.make(course.env), course.horizon)
    best = process.optimum()
    found: list[float] = []
    for seed in seeds:
        view = adapt(gymnasium.make(course.env), discrete="integer")
        agent = make(rule, features=view.features, heads=view.heads, seed=seed, **course.options)
        train(agent, view, steps=course.steps, seed=seed)
        found.append(process.mean_return(greedy_policy(agent, len(process.start))))
    print(f"  {course.env}: optimum {best:.4f}, found {sorted(round(each, 4) for each in found)}", flush=True)
    worst = min(found)
    headline = Headline(course.headline, worst, "exact optimum", best, worst / best, seeds=len(found), better="higher")
    return [headline], {course.env: {"optimum": best, "found": found, "steps": course.steps, "options": str(course.options)}}


def cliff_while_exploring(
    seeds: Iterable[int], episodes: int = 600, counted: int = 300
) -> tuple[list[Headline], dict[str, Any]]:
    """Compare the online returns of SARSA and of Q-learning on the cliff, which both still explore with ε = 0.1.

    Sutton & Barto 2018, example 6.6. The mean of the last ``counted`` of ``episodes``.
    """
    online: dict[str, list[float]] = {"sarsa": [], "q-learning": []}
    for seed in seeds:
        for rule, means in online.items():
            view = adapt(gymnasium.make(CLIFF.env), discrete="integer")
            agent = make(rule, features=view.features, heads=view.heads, seed=seed, **CLIFF.options)
            means.append(train(agent, view, episodes=episodes, seed=seed).mean_return(counted))
    ahead = [mine - other for mine, other in zip(online["sarsa"], online["q-learning"], strict=True)]
    print(f"  cliff while exploring: SARSA ahead by {sorted(round(each, 1) for each in ahead)}", flush=True)
    sarsa, q_learning = (statistics.median(online[rule]) for rule in ("sarsa", "q-learning"))
    headline = Headline(
        "CliffWalking-v1 SARSA above Q-learning while exploring", min(ahead), "0: no better (value: gain of the worst seed)",
        0.0, float("nan"), *interval(ahead), seeds=len(ahead), better="higher",
    )  # fmt: skip
    return [headline], {
        "cliff_online": {**online, "sarsa_median": sarsa, "q_learning_median": q_learning, "episodes": episodes}
    }
