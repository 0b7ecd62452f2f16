"""Robots run by agents of trimtab, and by Stable-Baselines3's SAC and TD3 after the same number of steps.

All have their defaults. Peers see the robot itself, with its torques as they are; agents of trimtab have them cut into bins,
and begin at the system's trusted rule where there is one ("begun at nothing" shows them without it).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import trimtab as tt
from benchmarks.results import Headline, Measured, interval, run
from trimtab.controllers import evaluate
from trimtab.systems import System, find

STEPS = {"robots/inverted-pendulum": 10_000, "robots/reacher": 10_000, "robots/hopper": 50_000}
SEEDS, EPISODES = 3, 20
QUICK_STEPS = 1000


def peer(name: str, system: System, steps: int, seed: int) -> np.ndarray:
    """Return the costs of SAC or TD3 on the test episodes."""
    import stable_baselines3

    learner = getattr(stable_baselines3, name)("MlpPolicy", system.make("train"), seed=seed, device="cpu")
    learner.learn(steps)
    return np.array([_played(system.make("test"), learner, episode) for episode in range(EPISODES)])


def _played(env: Any, learner: Any, episode: int) -> float:
    seen, _ = env.reset(seed=episode)
    cost, over = 0.0, False
    while not over:
        action, _ = learner.predict(seen, deterministic=True)
        seen, _, terminated, truncated, info = env.step(action)
        cost, over = cost + sum(info["costs"].values()), terminated or truncated
    env.close()
    return cost


def ours(system: System, steps: int, seed: int, start: str | None) -> np.ndarray:
    """Return the costs of agents of trimtab on the same episodes."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "study.db"
        result = tt.control(system, budget=tt.Budget(examples=steps), start=start, store=store, seed=seed)
        return np.array(evaluate(result.policy, system, seeds=EPISODES).standings[0].costs[system.cost])


def measure(arguments: argparse.Namespace) -> Measured:
    """Train all contenders on every robot, seed by seed."""
    torch.set_num_threads(1)
    lines, details = list[Headline](), dict[str, Any]()
    for name in arguments.only or STEPS:
        system, steps = find(name), QUICK_STEPS if arguments.quick else STEPS[name]
        for contender, made in _contenders(system, steps).items():
            costs = np.array([made(seed) for seed in range(1 if arguments.quick else arguments.seeds)])
            low, high = interval(costs.mean(0).tolist(), np.mean)
            title = f"{name} after {steps:,} steps: {contender}"
            lines.append(Headline(title, float(costs.mean()), low=low, high=high, seeds=len(costs)))
            details[f"{name} {contender}"] = costs.mean(1).tolist()
            print(f"{title}: {costs.mean():.3f}", file=sys.stderr, flush=True)
    return lines, details


def _contenders(system: System, steps: int) -> dict[str, Callable[[int], np.ndarray]]:
    found: dict[str, Callable[[int], np.ndarray]] = {
        each: lambda seed, each=each: peer(each, system, steps, seed) for each in ("SAC", "TD3")
    }
    if system.trusted is not None:
        found["trimtab"] = lambda seed: ours(system, steps, seed, system.trusted)
    found["trimtab, begun at nothing"] = lambda seed: ours(system, steps, seed, None)
    return found


if __name__ == "__main__":
    run(
        "robot_peers",
        measure,
        ("--only", {"nargs": "+", "choices": list(STEPS), "metavar": "NAME", "help": "robots (default: all)"}),
        ("--seeds", {"type": int, "default": SEEDS, "help": "of the training"}),
    )
