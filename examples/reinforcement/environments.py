"""The environments, each by its name, how good an agent is in one, and how to take up an episode in its middle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import TimeLimit, TransformObservation
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from trimtab.seeds import derive

EPISODES = {"validation": 10, "test": 50}
METRICS = ("return", "loss", "spread", "length")


def make_environment(name: str) -> gymnasium.Env:
    """Return the environment ``name``: of Gymnasium, "MiniGrid-…" or "MinAtar-…"; observations are vectors."""
    if name.startswith("MiniGrid-"):
        from minigrid.wrappers import ImgObsWrapper

        image = ImgObsWrapper(gymnasium.make(name))
        # the codes of object, colour and state are at most 10
        space = Box(0.0, 1.0, (int(np.prod(image.observation_space.shape)),))
        return TransformObservation(image, lambda codes: codes.ravel().astype(np.float32) / 10, space)
    if name.startswith("MinAtar-"):
        # these games end only with a mistake, and a good agent makes none
        return TimeLimit(MinAtar(name.removeprefix("MinAtar-")), 2500)
    return gymnasium.make(name)


class MinAtar(gymnasium.Env):
    """A game of MinAtar (Young and Tian 2019): 10 × 10 cells, one plane for each kind of object. Its licence is the GPL."""

    def __init__(self, game: str) -> None:
        from minatar import Environment

        self.game = Environment(game)
        self.observation_space = Box(0.0, 1.0, (int(np.prod(self.game.state_shape())),))
        self.action_space = Discrete(self.game.num_actions())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        if seed is not None:
            self.game.seed(seed % 2**32)
        # a sticky action would stick from one episode to the next
        self.game.last_action = 0
        self.game.reset()
        return self._observation(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward, ended = self.game.act(action)
        return self._observation(), float(reward), bool(ended), False, {}

    def _observation(self) -> np.ndarray:
        return self.game.state().ravel().astype(np.float32)


class Replayable(gymnasium.Wrapper):
    """An environment each of whose episodes has a seed of its own, so that its actions bring it back to where it is.

    That is exact wherever equal seeds and actions give equal episodes, as in all that are named in the published settings.
    """

    def __init__(self, environment: gymnasium.Env, seed: int) -> None:
        super().__init__(environment)
        self.seed, self.episode, self.actions = seed, -1, list[int]()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:  # noqa: ARG002
        self.episode, self.actions = self.episode + 1, []
        return self.env.reset(seed=derive(self.seed, self.episode), options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.actions.append(int(action))
        return self.env.step(action)

    def replay(self, episode: int, actions: Iterable[int]) -> Any:
        """Play ``actions`` from the start of ``episode``, and return the last observation."""
        self.episode = episode - 1
        observation, _ = self.reset()
        for action in actions:
            observation = self.step(action)[0]
        return observation


def evaluate(model: BaseAlgorithm, name: str, split: str, seed: int) -> dict[str, float]:
    """Return what ``model`` comes to, acting greedily, in the episodes of ``split``: the same ones for the same ``seed``."""
    episodes = EPISODES[split]
    # one environment an episode, each with the seed after the one before
    held = make_vec_env(lambda: make_environment(name), n_envs=episodes, seed=derive(seed, split) % 2**31)
    returns, lengths = evaluate_policy(model, held, n_eval_episodes=episodes, return_episode_rewards=True)
    held.close()
    mean = float(np.mean(returns))
    return dict(zip(METRICS, (mean, -mean, float(np.std(returns)), float(np.mean(lengths))), strict=True))
