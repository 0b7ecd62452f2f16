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
from examples.reinforcement.settings import SPACES, default, effective, fixed
from examples.reinforcement.zoo import ALGORITHMS, PUBLISHED
from trimtab.errors import CheckpointError, TaskError
from trimtab.seeds import derive
from trimtab.task import Measurement, Progress, Split, Telemetry
from trimtab.task.checkpoint import unpack
from trimtab.task.randomness import seeded

HEADLINE = "return"
HORIZON = 20
SPACE, DEFAULT = SPACES["ppo"], default("CartPole-v1", "ppo")
RETURN = tt.Goal("return", minimise=False, scale="linear")
# of the value function: no loss of a policy says how good it is
LOSSES = {"ppo": "train/value_loss", "dqn": "train/loss"}


@dataclass(frozen=True)
class ReinforcementTask:
    """A training of ``algorithm`` in ``environment``: ``steps`` there a segment, rounded up to whole rollouts.

    Its state is the algorithm itself, so that ``result.load_model()`` is an agent of Stable-Baselines3. Validation and test
    are episodes chosen by ``seed``, in which it acts greedily; "loss" is minus the return. What is published and no
    hyperparameter here stays as it is.

    A checkpoint holds weights, moments, the replay buffer and, of every episode under way, its seed and its actions: they
    are played again, so that going on is exact wherever these two determine an episode. Not kept are the running reports
    of Stable-Baselines3, on which nothing in the training depends.
    """

    environment: str
    algorithm: str
    steps: int
    seed: int = 0
    goal: tt.Goal = RETURN

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
        steps, updates = state.num_timesteps, training.updates(state)
        watch = training.Watch(LOSSES[self.algorithm], progress)
        training.apply(state, effective(self.environment, self.algorithm, segment))
        with seeded(segment.seed, torch.device("cpu")):
            state.action_space.seed(derive(segment.seed, "actions"))
            fine = training.learn(state, self.steps, watch)
        metrics = self.evaluate(state, "validation") if fine else dict.fromkeys(METRICS, math.nan)
        after = training.weights(state)
        return Measurement(
            metrics,
            watch.mean,
            steps=training.updates(state) - updates,
            examples=state.num_timesteps - steps,
            seconds=time.perf_counter() - began,
            telemetry=Telemetry(watch.parts, weight_norm=float(after.norm()), update_norm=float((after - before).norm())),
            status="finished" if fine else "diverged",
            parameters=len(after),
        )

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
        copies = PUBLISHED[self.environment, self.algorithm].get("n_envs", 1)
        given = fixed(self.environment, self.algorithm)
        return training.build(ALGORITHMS[self.algorithm], self.environment, width=width, seed=seed, copies=copies, fixed=given)


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
    return tt.Study(make_task(seed=seed, steps=50_000), SPACE, **{**given, **options})
