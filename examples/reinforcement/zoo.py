"""One training with the published settings of rl-baselines3-zoo, as it is run there: what a study is compared with.

python -m examples.reinforcement.zoo [--environment CartPole-v1] [--algorithm ppo] [--steps 100000] [--seed 0]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from examples.reinforcement.environments import evaluate, make_environment
from examples.steering import peak_memory

ALGORITHMS: Mapping[str, type[BaseAlgorithm]] = {"ppo": PPO, "dqn": DQN}
POINTS = 20

# Raffin 2020, github.com/DLR-RM/rl-baselines3-zoo: hyperparams/ppo.yml (commit 208b6fd) and dqn.yml (ce95481). "lin_": falls
# linearly to zero over the run. LunarLander stands there as v2, whose dynamics are those of v3. The grid world is
# normalised there by running means; its observations here lie in [0, 1] as they are. For MinAtar nothing is published:
# these are the settings for Atari with a perceptron in the place of the convolutions, and 500,000 steps.
PUBLISHED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("CartPole-v1", "ppo"): {
        "n_timesteps": 100_000,
        "n_envs": 8,
        "n_steps": 32,
        "batch_size": 256,
        "gae_lambda": 0.8,
        "gamma": 0.98,
        "n_epochs": 20,
        "ent_coef": 0.0,
        "learning_rate": "lin_0.001",
        "clip_range": "lin_0.2",
    },
    ("CartPole-v1", "dqn"): {
        "n_timesteps": 50_000,
        "learning_rate": 2.3e-3,
        "batch_size": 64,
        "buffer_size": 100_000,
        "learning_starts": 1000,
        "gamma": 0.99,
        "target_update_interval": 10,
        "train_freq": 256,
        "gradient_steps": 128,
        "exploration_fraction": 0.16,
        "exploration_final_eps": 0.04,
        "policy_kwargs": {"net_arch": [256, 256]},
    },
    ("LunarLander-v3", "ppo"): {
        "n_timesteps": 1_000_000,
        "n_envs": 16,
        "n_steps": 1024,
        "batch_size": 64,
        "gae_lambda": 0.98,
        "gamma": 0.999,
        "n_epochs": 4,
        "ent_coef": 0.01,
    },
    ("LunarLander-v3", "dqn"): {
        "n_timesteps": 100_000,
        "learning_rate": 6.3e-4,
        "batch_size": 128,
        "buffer_size": 50_000,
        "learning_starts": 0,
        "gamma": 0.99,
        "target_update_interval": 250,
        "train_freq": 4,
        "gradient_steps": -1,
        "exploration_fraction": 0.12,
        "exploration_final_eps": 0.1,
        "policy_kwargs": {"net_arch": [256, 256]},
    },
    ("MiniGrid-Empty-5x5-v0", "ppo"): {
        "n_timesteps": 100_000,
        "n_envs": 8,
        "n_steps": 128,
        "batch_size": 64,
        "gae_lambda": 0.95,
        "gamma": 0.99,
        "n_epochs": 10,
        "ent_coef": 0.0,
        "learning_rate": 2.5e-4,
        "clip_range": 0.2,
    },
    ("MinAtar-breakout", "ppo"): {
        "n_timesteps": 500_000,
        "n_envs": 8,
        "n_steps": 128,
        "n_epochs": 4,
        "batch_size": 256,
        "learning_rate": "lin_2.5e-4",
        "clip_range": "lin_0.1",
        "vf_coef": 0.5,
        "ent_coef": 0.01,
    },
}


@dataclass(frozen=True, slots=True)
class Flight:
    """``test``: metrics of the last weights; ``best``: of those with the highest validation return on the ``curve``.

    ``curve``: validation returns by the number of steps in the environment.
    """

    test: Mapping[str, float]
    best: Mapping[str, float]
    curve: tuple[tuple[int, float], ...]


class Curve(BaseCallback):
    """Measures the agent by ``value`` after every so many steps, between two rollouts, and keeps its best weights."""

    def __init__(self, every: int, value: Callable[[BaseAlgorithm], float]) -> None:
        super().__init__()
        self.every, self.value, self.points, self.best = every, value, list[tuple[int, float]](), dict[str, Any]()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self.every * (1 + len(self.points)):
            self.points.append((self.num_timesteps, self.value(self.model)))
            if self.points[-1][1] == max(value for _, value in self.points):
                self.best = deepcopy(self.model.get_parameters())

    def _on_training_end(self) -> None:
        self._on_rollout_start()


def schedule(value: Any) -> Any:
    """Return the schedule of Stable-Baselines3 that "lin_0.001" stands for; anything else as it is."""
    if not (isinstance(value, str) and value.startswith("lin_")):
        return value
    first = float(value.removeprefix("lin_"))
    return lambda remaining: remaining * first


def build(seed: int, environment: str, algorithm: str) -> BaseAlgorithm:
    """Return the algorithm with its published settings, before its first step."""
    settings = {name: schedule(value) for name, value in PUBLISHED[environment, algorithm].items() if name != "n_timesteps"}
    held = make_vec_env(lambda: make_environment(environment), n_envs=settings.pop("n_envs", 1), seed=seed)
    return ALGORITHMS[algorithm]("MlpPolicy", held, seed=seed, device="cpu", **settings)


def every(environment: str, algorithm: str, steps: int) -> int:
    """Return the steps between two points of a curve of twenty, or of as many as there are rollouts."""
    published = PUBLISHED[environment, algorithm]
    rollout = published.get("n_steps", 1) * published.get("n_envs", 1)
    return max(rollout, steps // POINTS)


def validation_return(model: BaseAlgorithm, environment: str, seed: int) -> float:
    """Return the mean return of the validation episodes."""
    return evaluate(model, environment, "validation", seed)["return"]


def fly(seed: int, environment: str = "CartPole-v1", algorithm: str = "ppo", steps: int | None = None) -> Flight:
    """Return what one training of ``steps`` (those published, if None) comes to, with twenty points of its curve."""
    steps = PUBLISHED[environment, algorithm]["n_timesteps"] if steps is None else steps
    curve = Curve(every(environment, algorithm, steps), partial(validation_return, environment=environment, seed=seed))
    return flown(build(seed, environment, algorithm), curve, seed, environment, steps)


def flown(model: BaseAlgorithm, curve: Curve, seed: int, environment: str, steps: int) -> Flight:
    """Train ``model`` and measure it on the test episodes, as it is in the end and as it was at its best."""
    model.learn(steps, callback=curve, log_interval=None)
    last = evaluate(model, environment, "test", seed)
    model.set_parameters(curve.best)
    return Flight(last, evaluate(model, environment, "test", seed), tuple(curve.points))


def main(fly: Callable[..., Flight], about: str | None) -> None:
    """Run ``fly`` from the command line, and print its curve, its test metrics, the time and the memory it took."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", default="CartPole-v1")
    parser.add_argument("--algorithm", default="ppo", choices=ALGORITHMS)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()
    flight = fly(options.seed, options.environment, options.algorithm, options.steps)
    print("validation:", ", ".join(f"{value:.4g} after {steps}" for steps, value in flight.curve))
    print("test:", ", ".join(f"{name} {value:.4g}" for name, value in flight.test.items()))
    print(f"test, at its best by validation: return {flight.best['return']:.4g}")
    print(f"{time.perf_counter() - began:.1f} s, {peak_memory():.0f} MB at most")


if __name__ == "__main__":
    main(fly, __doc__)
