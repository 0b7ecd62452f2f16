"""An algorithm of Stable-Baselines3 between two segments: built, set, watched, put into a checkpoint and taken out again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from examples.reinforcement.environments import Replayable, make_environment
from trimtab.seeds import derive
from trimtab.task.checkpoint import pack
from trimtab.task.randomness import seeded

COUNTERS = ("num_timesteps", "_n_calls")
"""What an algorithm counts and goes by: steps in the environment; those by which the target network is renewed."""
REPLAYED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


class Watch(BaseCallback):
    """Says after every step that the training is alive, keeps the ``loss`` of every update, and ends with one that is none."""

    def __init__(self, loss: str, progress: Callable[[], None]) -> None:
        super().__init__()
        self.loss, self.progress, self.losses = loss, progress, list[float]()

    def _on_step(self) -> bool:
        self.progress()
        return not self.losses or math.isfinite(self.losses[-1])

    def _on_rollout_start(self) -> None:
        self._on_training_end()

    def _on_training_end(self) -> None:
        loss = self.logger.name_to_value.pop(self.loss, None)
        if loss is not None:
            self.losses.append(float(loss))

    @property
    def parts(self) -> tuple[float, ...]:
        """Mean losses of at most eight equal parts of what was watched."""
        count = min(8, len(self.losses))
        return tuple(float(part.mean()) for part in np.array_split(self.losses, count)) if count else ()

    @property
    def mean(self) -> float:
        """Mean loss of what was watched, NaN if there was no update."""
        return sum(self.losses) / len(self.losses) if self.losses else math.nan


def build(
    algorithm: type[BaseAlgorithm], environment: str, *, width: int, seed: int, copies: int, fixed: Mapping[str, Any]
) -> BaseAlgorithm:
    """Return an algorithm before its first step, in ``copies`` of the environment with seeds of their own below ``seed``."""

    def copy(number: int) -> Callable[[], Replayable]:
        return lambda: Replayable(make_environment(environment), derive(seed, "episodes", number))

    held = DummyVecEnv([copy(number) for number in range(copies)])
    net = {"net_arch": [width, width]}
    # Stable-Baselines3 draws from the global generators, and seeds them
    with seeded(seed, torch.device("cpu")):
        model = algorithm("MlpPolicy", held, seed=seed, device="cpu", policy_kwargs=net, **fixed)
    # without one of its own, every call of learn() makes a folder for its logs
    model.set_logger(Logger(folder=None, output_formats=[]))
    _stand(model, held.reset())
    return model


def apply(model: BaseAlgorithm, values: Mapping[str, Any]) -> None:
    """Let ``model`` learn with ``values``, by the names of Stable-Baselines3, from now on."""
    schedules = {"learning_rate": "lr_schedule", "clip_range": "clip_range", "exploration_final_eps": "exploration_schedule"}
    for name, value in values.items():
        if name in schedules:
            setattr(model, schedules[name], lambda _, value=value: value)
        else:
            setattr(model, name, value)
    if isinstance(model, DQN):
        # the first step of a segment is made before the schedule is asked
        model.exploration_rate = values["exploration_final_eps"]
    else:
        # it computes the advantages, with a discount of its own
        model.rollout_buffer.gamma = model.gamma


def learn(model: BaseAlgorithm, steps: int, watch: Watch) -> bool:
    """Train ``model`` for ``steps`` in the environment; return whether its weights have stayed finite."""
    try:
        model.learn(steps, callback=watch, log_interval=None, reset_num_timesteps=False)
    except (ValueError, RuntimeError):
        # torch makes no distribution of what is not a number
        if weights(model).norm().isfinite():
            raise
    return bool(weights(model).norm().isfinite())


def weights(model: BaseAlgorithm) -> Tensor:
    """Return a copy of all weights that are learned, one after the other."""
    (group,) = model.policy.optimizer.param_groups
    return parameters_to_vector(group["params"]).detach()


def updates(model: BaseAlgorithm) -> int:
    """Return how many steps the optimizer has made."""
    return int(next((moments["step"] for moments in model.policy.optimizer.state.values()), 0))


def encode(model: BaseAlgorithm, record: Mapping[str, Any]) -> bytes:
    """Return ``model`` and ``record`` as bytes: weights, moments, replay buffer, and the episodes that are under way."""
    saved = model.get_parameters()
    tensors = {f"policy.{name}": tensor for name, tensor in saved["policy"].items()}
    for index, moments in saved["policy.optimizer"]["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
    buffer, place = getattr(model, "replay_buffer", None), {}
    if buffer is not None:
        tensors |= {f"replay.{name}": torch.from_numpy(getattr(buffer, name)[: buffer.size()]) for name in REPLAYED}
        place = {"pos": buffer.pos, "full": buffer.full}
    for number, held in enumerate(model.env.envs):
        tensors[f"episode.{number}"] = torch.tensor(held.actions, dtype=torch.int64)
    counts = {name: vars(model)[name] for name in COUNTERS if name in vars(model)}
    return pack(tensors, {**record, "counts": counts, "episodes": [held.episode for held in model.env.envs], "place": place})


def restore(model: BaseAlgorithm, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Bring ``model``, fresh from ``build``, to where the one was that was encoded."""
    moments: dict[int, dict[str, Tensor]] = {}
    for path, tensor in _part(tensors, "optimizer").items():
        index, _, name = path.partition(".")
        # copied: an optimizer writes in place, and the bytes of a checkpoint are not to be written
        moments.setdefault(int(index), {})[name] = tensor.clone()
    groups = model.policy.optimizer.state_dict()["param_groups"]
    model.set_parameters({"policy": _part(tensors, "policy"), "policy.optimizer": {"state": moments, "param_groups": groups}})
    vars(model).update(record["counts"])
    for name, tensor in _part(tensors, "replay").items():
        getattr(model.replay_buffer, name)[: len(tensor)] = tensor.numpy()
    if record["place"]:
        vars(model.replay_buffer).update(record["place"])
    played = [
        held.replay(episode, tensors[f"episode.{number}"].tolist())
        for number, (held, episode) in enumerate(zip(model.env.envs, record["episodes"], strict=True))
    ]
    _stand(model, np.stack(played))


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}


def _stand(model: BaseAlgorithm, observations: np.ndarray) -> None:
    """Let ``model`` go on from ``observations``, which is where its environments stand."""
    starts = np.array([not held.actions for held in model.env.envs])
    vars(model).update(_last_obs=observations, _last_episode_starts=starts)
