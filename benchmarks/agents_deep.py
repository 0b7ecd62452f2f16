"""The DQN beside Stable-Baselines3's DQN at its zoo settings: the same environments, steps and fresh evaluation seeds.

What counts is the network as it is after the last step; nothing is picked by evaluation. One configuration for all seeds.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3 import DQN

from benchmarks.results import Headline, interval
from trimtab.agents import adapt, evaluate, make, train
from trimtab.seeds import derive

EPISODES = 100


@dataclass(frozen=True)
class Course:
    """An environment, its steps, our settings (one for all seeds) and the zoo's settings of Stable-Baselines3."""

    env: str
    steps: int
    ours: dict[str, Any]
    zoo: dict[str, Any]
    quick_steps: int = 0


def _greedy(start: float, end: float, steps: int) -> dict[str, Any]:
    return {"name": "epsilon-greedy", "start": start, "end": end, "steps": steps}


_NET = {"net_arch": [256, 256]}

# The zoo's settings: rl-baselines3-zoo, hyperparams/dqn.yml.
CARTPOLE = Course(
    "CartPole-v1",
    50_000,
    ours={
        "hidden": (64, 64), "gamma": 0.99, "n_step": 3, "lr": 2.3e-3, "lr_end": 1e-5, "lr_steps": 50_000, "batch_size": 64,
        "learning_starts": 1_000, "train_every": 256, "gradient_steps": 128, "target_every": 10,
        "exploration": _greedy(1.0, 0.04, 8_000),
        # alone, one learner of ten ends on a policy that fails; the mean of three does not
        "members": 3,
    },
    zoo={
        "learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1_000, "gamma": 0.99,
        "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
        "exploration_final_eps": 0.04, "policy_kwargs": _NET,
    },
    quick_steps=8_000,
)  # fmt: skip
_LONG_OURS = {
    "hidden": (256, 256), "gamma": 0.99, "n_step": 3, "lr": 6.3e-4, "lr_end": 1e-5, "lr_steps": 100_000, "batch_size": 128,
    "buffer": 50_000, "learning_starts": 200, "train_every": 4, "gradient_steps": -1, "target_every": 250,
    "exploration": _greedy(1.0, 0.05, 12_000),
}  # fmt: skip
_LONG_ZOO = {
    "learning_rate": 6.3e-4, "batch_size": 128, "buffer_size": 50_000, "learning_starts": 0, "gamma": 0.99,
    "target_update_interval": 250, "train_freq": 4, "gradient_steps": -1, "exploration_fraction": 0.12,
    "exploration_final_eps": 0.1, "policy_kwargs": _NET,
}  # fmt: skip
ACROBOT = Course("Acrobot-v1", 100_000, _LONG_OURS, _LONG_ZOO)
LUNAR_LANDER = Course("LunarLander-v3", 100_000, _LONG_OURS, _LONG_ZOO)


@dataclass
class Scores:
    """Mean evaluation return and CPU seconds of training, an entry for each seed; every return of every evaluation episode."""

    means: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    returns: list[list[float]] = field(default_factory=list)

    def add(self, returns: np.ndarray, seconds: float) -> None:
        self.means.append(float(returns.mean()))
        self.seconds.append(seconds)
        self.returns.append(returns.tolist())

    @property
    def worst(self) -> int:
        return int(np.argmin(self.means))


def _timed(act: Callable[[], object]) -> float:
    began = time.process_time()  # CPU time of one thread: another program on the machine takes nothing from it
    act()
    return time.process_time() - began


def our_run(course: Course, seed: int, steps: int) -> tuple[np.ndarray, float]:
    view = adapt(gymnasium.make(course.env))
    agent = make("dqn", features=view.features, heads=view.heads, seed=seed, **course.ours)
    seconds = _timed(lambda: train(agent, view, steps=steps, seed=seed))
    return evaluate(agent, gymnasium.make(course.env), episodes=EPISODES, seed=derive(seed, "judge")), seconds


def peer_run(course: Course, seed: int, steps: int) -> tuple[np.ndarray, float]:
    model = DQN("MlpPolicy", gymnasium.make(course.env), seed=seed, device="cpu", **course.zoo)
    seconds = _timed(lambda: model.learn(steps))
    env = gymnasium.make(course.env)
    returns = np.zeros(EPISODES)
    for episode in range(EPISODES):
        observation, _ = env.reset(seed=derive(derive(seed, "judge"), "evaluate", episode))
        ended = False
        while not ended:
            action, _ = model.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            returns[episode] += float(reward)
            ended = terminated or truncated
    return returns, seconds


def returns(course: Course, seeds: Iterable[int], steps: int) -> tuple[list[Headline], dict[str, Any]]:
    """Train ours and the peer on every seed; return the worst seed of each."""
    ours, peer = Scores(), Scores()
    for seed in seeds:
        ours.add(*our_run(course, seed, steps))
        peer.add(*peer_run(course, seed, steps))
        print(f"  {course.env} seed {seed}: ours {ours.means[-1]:.1f}, SB3 {peer.means[-1]:.1f}", flush=True)
    low, high = interval(ours.returns[ours.worst], np.mean)
    name = "Stable-Baselines3 DQN, zoo settings, its worst seed"
    value, other = min(ours.means), min(peer.means)
    headline = Headline(
        f"{course.env} mean return, worst seed", value, name, other, value / other, low, high, len(ours.means), "higher"
    )
    details = {
        side: {"means": scores.means, "cpu_seconds": scores.seconds} for side, scores in (("ours", ours), ("peer", peer))
    }
    details |= {"steps": steps, "settings": course.ours, "peer_settings": course.zoo}
    medians = {"ours_median": statistics.median(ours.means), "peer_median": statistics.median(peer.means)}
    return [headline], {course.env: {**details, **medians}}


def speed(repeats: int, steps: int) -> tuple[list[Headline], dict[str, Any]]:
    """Measure steps per CPU second at equal settings: the same algorithm, network, batches and number of gradient steps."""
    same = {
        "hidden": (256, 256), "gamma": 0.99, "n_step": 1, "double": False, "dueling": False, "lr": 2.3e-3, "batch_size": 64,
        "learning_starts": 256, "train_every": 256, "gradient_steps": 128, "target_every": 10,
        "exploration": _greedy(1.0, 0.04, steps * 16 // 100),
    }  # fmt: skip
    zoo = {**CARTPOLE.zoo, "learning_starts": 255}  # the peer starts after it, we start with it
    ours: list[float] = []
    peer: list[float] = []
    for seed in range(repeats):
        view = adapt(gymnasium.make(CARTPOLE.env))
        agent = make("dqn", features=view.features, heads=view.heads, seed=seed, **same)
        ours.append(steps / _timed(lambda agent=agent, view=view, seed=seed: train(agent, view, steps=steps, seed=seed)))
        model = DQN("MlpPolicy", gymnasium.make(CARTPOLE.env), seed=seed, device="cpu", **zoo)
        peer.append(steps / _timed(lambda model=model: model.learn(steps)))
    ratios = [mine / other for mine, other in zip(ours, peer, strict=True)]
    headline = Headline(
        "CartPole-v1 steps per second", statistics.median(ours), "Stable-Baselines3 DQN, equal settings",
        statistics.median(peer),
        statistics.median(ratios), *interval(ratios), seeds=repeats, better="higher",
    )  # fmt: skip
    return [headline], {"speed": {"ours": ours, "peer": peer, "ratios": ratios, "steps": steps, "settings": same}}


def quiet() -> None:
    """Leave out the warnings of packages that are not ours."""
    warnings.simplefilter("ignore")
