"""Agents that tune an agent: a training of PPO or DQN (Stable-Baselines3) whose settings change while it runs.

trimtab run examples/reinforcement/task.py:study
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

import trimtab as tt
from examples.reinforcement import training
from examples.reinforcement.environments import METRICS, evaluate
from examples.reinforcement.zoo import ALGORITHMS, PUBLISHED
from trimtab.errors import CheckpointError, TaskError
from trimtab.seeds import derive
from trimtab.task import Measurement, Progress, Split, Telemetry
from trimtab.task.checkpoint import unpack
from trimtab.task.randomness import seeded

HEADLINE = "return"
HORIZON = 20

BOTH = {
    "lr": tt.Float(1e-5, 1e-2, log=True),
    "batch_size": tt.Int(16, 256, log=True),
    "discount": tt.Float(0.9, 0.999),
    "width": tt.Int(16, 256, log=True, live=False),
}
SPACES = {
    "ppo": tt.Space(**BOTH, entropy=tt.Float(0.0, 0.05), clip_range=tt.Float(0.05, 0.4)),
    "dqn": tt.Space(**BOTH, exploration=tt.Float(0.01, 0.3, log=True)),
}
NAMES = {"lr": "learning_rate", "discount": "gamma", "entropy": "ent_coef", "exploration": "exploration_final_eps"}
"""What Stable-Baselines3 calls those that it has another name for."""
# of the value function: no loss of a policy says how good it is
LOSSES = {"ppo": "train/value_loss", "dqn": "train/loss"}


def default(environment: str, algorithm: str) -> tt.Settings:
    """Return the published settings, as far as the space has them."""
    published = {
        "learning_rate": 3e-4,
        "clip_range": 0.2,
        "policy_kwargs": {"net_arch": [64]},
        **PUBLISHED[environment, algorithm],
    }
    values = {name: published[NAMES.get(name, name)] for name in SPACES[algorithm] if name != "width"}
    plain = {name: float(value.removeprefix("lin_")) if isinstance(value, str) else value for name, value in values.items()}
    return tt.Settings(**plain, width=published["policy_kwargs"]["net_arch"][0])


SPACE, DEFAULT = SPACES["ppo"], default("CartPole-v1", "ppo")


@dataclass(frozen=True)
class ReinforcementTask:
    """A training of ``algorithm`` in ``environment``: ``steps`` there a segment, rounded up to whole rollouts.

    Its state is the algorithm itself, so that ``result.load_model()`` is an agent of Stable-Baselines3. Validation and test
    are episodes chosen by ``seed``; "loss" is minus the return there. What is published and no hyperparameter here stays as
    it is. What falls along a line there falls here too, from one segment to the next: rate and clip range where they are
    given as "lin_", ε from 1 to ``exploration``.

    A checkpoint holds weights, moments, the replay buffer and, of every episode under way, its seed and actions: they are
    played again, so that going on is exact where these two determine an episode. Of no effect on the training, and not
    kept, are the running reports of Stable-Baselines3.
    """

    environment: str
    algorithm: str
    steps: int
    seed: int = 0
    goal: tt.Goal = tt.Goal("return", minimise=False, scale="linear")

    def check(self, space: tt.Space) -> None:
        known = SPACES[self.algorithm]
        if unknown := sorted(set(space) - set(known)):
            raise TaskError(f"space: {self.algorithm} has no {', '.join(unknown)}; what can be set is {', '.join(known)}")

    def start(self, settings: tt.Settings, *, seed: int) -> BaseAlgorithm:
        width = settings.get("width", default(self.environment, self.algorithm)["width"])
        return self._build(width=width, seed=derive(seed, "start") % 2**31)

    def measure(self, state: BaseAlgorithm) -> Measurement:
        began = time.perf_counter()
        metrics = self.evaluate(state, "validation")
        return Measurement(metrics, math.nan, seconds=time.perf_counter() - began)

    def advance(self, state: BaseAlgorithm, segment: tt.Segment, *, progress: Progress = lambda: None) -> Measurement:
        began, before = time.perf_counter(), training.weights(state)
        watch = training.Watch(LOSSES[self.algorithm], progress)
        steps, updates = state.num_timesteps, training.updates(state)
        training.apply(state, self.effective(segment))
        with seeded(segment.seed, torch.device("cpu")):
            state.action_space.seed(derive(segment.seed, "actions"))
            try:
                state.learn(self.steps, callback=watch, log_interval=None, reset_num_timesteps=False)
                metrics, status = self.evaluate(state, "validation"), "finished"
            except training.Diverged:
                metrics, status = dict.fromkeys(METRICS, math.nan), "diverged"
        after, losses = training.weights(state), watch.losses
        return Measurement(
            metrics,
            sum(losses) / len(losses) if losses else math.nan,
            steps=training.updates(state) - updates,
            examples=state.num_timesteps - steps,
            seconds=time.perf_counter() - began,
            telemetry=Telemetry(watch.parts(), weight_norm=float(after.norm()), update_norm=float((after - before).norm())),
            status=status,
            parameters=len(after),
        )

    def effective(self, segment: tt.Segment) -> dict[str, Any]:
        """Return what a segment is trained with, by the names of Stable-Baselines3: schedules stand at its middle."""
        published = PUBLISHED[self.environment, self.algorithm]
        settings = {**default(self.environment, self.algorithm), **segment.settings}
        values = {NAMES.get(name, name): value for name, value in settings.items() if name != "width"}
        done = sum(segment.progress) / 2
        falling = {name: value * (1 - done) for name, value in values.items() if isinstance(published.get(name), str)}
        if self.algorithm == "dqn":
            left = max(0.0, 1 - done / published["exploration_fraction"])
            falling["exploration_final_eps"] = left + (1 - left) * settings["exploration"]
        return {**values, **falling}

    def evaluate(self, state: BaseAlgorithm, split: Split) -> Mapping[str, float]:
        return evaluate(state, self.environment, split, self.seed)

    def encode(self, state: BaseAlgorithm) -> bytes:
        width = state.policy_kwargs["net_arch"][0]
        return training.encode(state, {"task": self.fingerprint(), "width": width, "seed": state.seed})

    def decode(self, checkpoint: bytes) -> BaseAlgorithm:
        tensors, record = unpack(checkpoint)
        if record.get("task") != self.fingerprint():
            raise CheckpointError(f"checkpoint: expected one of {self.fingerprint()}, got one of {record.get('task')}")
        state = self._build(width=record["width"], seed=record["seed"])
        training.restore(state, tensors, record)
        return state

    load_model = decode

    def fingerprint(self) -> str:
        return f"{self.algorithm} in {self.environment}, {self.steps} steps"

    def _build(self, *, width: int, seed: int) -> BaseAlgorithm:
        published = PUBLISHED[self.environment, self.algorithm]
        moved = {"n_timesteps", "n_envs", "policy_kwargs", *(NAMES.get(name, name) for name in SPACES[self.algorithm])}
        fixed = {name: value for name, value in published.items() if name not in moved}
        kind, copies = ALGORITHMS[self.algorithm], published.get("n_envs", 1)
        return training.build(kind, self.environment, width=width, seed=seed, copies=copies, fixed=fixed)


def make_task(
    environment: str = "CartPole-v1", algorithm: str = "ppo", seed: int = 0, *, steps: int | None = None
) -> ReinforcementTask:
    """Return the task; a whole run makes ``steps`` in the environment, as many as are published if None."""
    if (environment, algorithm) not in PUBLISHED:
        known = ", ".join(f"{algorithm} in {environment}" for environment, algorithm in PUBLISHED)
        raise TaskError(f"make_task: there are published settings for {known}; not for {algorithm} in {environment}")
    steps = PUBLISHED[environment, algorithm]["n_timesteps"] if steps is None else steps
    return ReinforcementTask(environment, algorithm, steps // HORIZON, seed)


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs of PPO on CartPole, each half as long as published."""
    given = {
        "budget": tt.Budget(segments=10 * HORIZON),
        "horizon": HORIZON,
        "store": "reinforcement.db",
        "seed": seed,
        **options,
    }
    return tt.Study(make_task(seed=seed, steps=50_000), SPACE, **given)
