"""The classic first experiment: losses after 100 iterations from the worst start, beside the published 0.045/0.047/0.047."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch

from benchmarks.results import Headline, Measured, interval, run
from examples.first_experiment import best_fixed, iterations

PUBLISHED = {"train loss": 0.045, "validation loss": 0.047, "test loss": 0.047}
AGENTS = ("q-learning", "sarsa", "dqn", "random")


def last(agent: str, seed: int) -> tuple[float, float, float]:
    """Return train, validation and test loss after the last iteration of one run."""
    *_, line = iterations(agent, seed)
    return line.train, line.validation, line.test


def measure(arguments: argparse.Namespace) -> Measured:
    """Run every agent on every seed; the headline is the worst seed of the worst learning agent."""
    torch.set_num_threads(1)
    seeds = range(2 if arguments.quick else 10)
    found = {agent: np.array([last(agent, seed) for seed in seeds]) for agent in AGENTS}
    fixed = [best_fixed(seed) for seed in seeds[: 1 if arguments.quick else len(seeds)]]
    peers = [np.median([getattr(line, split) for line in fixed]) for split in ("train", "validation", "test")]
    learners = [agent for agent in AGENTS if agent != "random"]
    headlines: list[Headline] = []
    for index, (name, published) in enumerate(PUBLISHED.items()):
        worst = max(float(found[agent][:, index].max()) for agent in learners)
        headlines.append(
            Headline(f"{name}, worst seed", worst, "published run", published, worst / published, seeds=len(seeds))
        )
        for agent in AGENTS:
            losses = found[agent][:, index]
            low, high = interval(losses)
            median, peer = float(np.median(losses)), float(peers[index])
            headlines.append(Headline(f"{agent}: {name}", median, "best fixed", peer, median / peer, low, high, len(seeds)))
    details: dict[str, Any] = {"losses": {agent: losses.tolist() for agent, losses in found.items()}}
    return headlines, details


if __name__ == "__main__":
    run("first_experiment", measure)
