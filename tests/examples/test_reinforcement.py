"""Agents that tune an agent: PPO and DQN keep the contract of a task, and going on in the middle of an episode is exact."""

import gymnasium
import numpy as np
import pytest
import torch

pytest.importorskip("stable_baselines3")

import trimtab as tt
from examples.reinforcement import pilot, task, training, zoo
from examples.reinforcement.environments import Replayable, evaluate, make_environment
from examples.reinforcement.settings import SPACES, default, effective
from tests.examples.contract import tried
from trimtab.errors import CheckpointError, TaskError
from trimtab.task import Segment, TaskContract


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Nets as small as these are slowed down by a second thread, on a busy machine twentyfold."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class TestProximalPolicyOptimisation(TaskContract):
    def task(self):
        return task.make_task(steps=20 * 256)

    def settings(self):
        changed = {"lr": 3e-4, "batch_size": 50, "discount": 0.9, "entropy": 0.01, "clip_range": 0.4}
        return [task.DEFAULT, task.DEFAULT.replace(**changed), task.DEFAULT]

    def diverging(self):
        return task.DEFAULT.replace(lr=1e30)


class TestDeepQLearning(TaskContract):
    def task(self):
        return task.make_task(algorithm="dqn", steps=20 * 1024)

    def settings(self):
        first = default("CartPole-v1", "dqn").replace(width=32)
        return [first, first.replace(lr=1e-3, batch_size=20, discount=0.9, exploration=0.3)]

    def diverging(self):
        return self.settings()[0].replace(lr=1e30)


def test_a_short_study_improves(tmp_path):
    result = tried(task, tmp_path)
    before = next(node.before for node in result.tree if node.before)
    assert result.best.metrics["return"] > 2 * before.metrics["return"]
    metrics = result.evaluate_on_test()
    assert metrics["loss"] == -metrics["return"]
    agent = result.load_model()
    assert agent.predict(np.zeros(4, np.float32), deterministic=True)[0] in (0, 1)


@pytest.mark.parametrize("fly", [zoo.fly, pilot.fly])
def test_the_published_and_the_steered_training_learn_and_report_their_curves(fly):
    flight = fly(0, steps=5120)
    assert flight.test["return"] > 40
    assert flight.best["return"] > 100
    assert len(flight.curve) == 20
    assert [steps for steps, _ in flight.curve] == sorted({steps for steps, _ in flight.curve})


@pytest.mark.parametrize("name", ["CartPole-v1", "LunarLander-v3", "MiniGrid-Empty-5x5-v0", "MinAtar-breakout"])
def test_an_episode_is_taken_up_in_its_middle(name):
    for part, package in (("Lunar", "Box2D"), ("MiniGrid", "minigrid"), ("MinAtar", "minatar")):
        if name.startswith(part):
            pytest.importorskip(package)
    one, other = Replayable(make_environment(name), 5), Replayable(make_environment(name), 5)
    rng = np.random.default_rng(0)
    one.reset()
    for _ in range(200):
        observation, _, terminated, truncated, _ = one.step(rng.integers(one.action_space.n))
        if terminated or truncated:
            one.reset()
    while not one.actions:
        observation, *_ = one.step(0)
    assert np.array_equal(other.replay(one.episode, one.actions), observation)
    assert observation.shape == one.observation_space.shape
    action = int(one.action_space.n) - 1
    assert all(np.array_equal(mine, its) for mine, its in zip(one.step(action), other.step(action), strict=True))


class Fixed(gymnasium.Env):
    """Pays the number of the action for as many steps as its seed says, modulo 3, and one more."""

    action_space = gymnasium.spaces.Discrete(4)
    observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,))

    def reset(self, *, seed=None, options=None):
        self.left = (seed or 0) % 3 + 1
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.left -= 1
        return np.zeros(1, np.float32), float(action), self.left == 0, False, {}


class Constant:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        assert deterministic
        return np.full(len(observation), 2), None


def test_a_return_is_the_mean_over_one_episode_a_seed():
    gymnasium.register("Fixed-v0", Fixed)
    metrics = evaluate(Constant(), "Fixed-v0", "validation", seed=0)
    # ten seeds in a row: three or four episodes each of 1, 2 and 3 steps
    assert 1.9 <= metrics["length"] <= 2.1
    assert metrics["return"] == -metrics["loss"] == pytest.approx(2 * metrics["length"])


def test_schedules_fall_as_published_from_one_segment_to_the_next():
    first, last = (effective("CartPole-v1", "ppo", Segment(task.DEFAULT, 0, index, 20)) for index in (0, 19))
    assert first["learning_rate"] == pytest.approx(0.975e-3)
    assert last["clip_range"] == pytest.approx(0.025 * 0.2)
    assert first["gamma"] == last["gamma"] == 0.98
    rates = [effective("CartPole-v1", "dqn", Segment(tt.Settings(exploration=0.1), 0, index, 20)) for index in (0, 19)]
    assert [each["exploration_final_eps"] for each in rates] == pytest.approx([1 - 0.9 * 0.025 / 0.16, 0.1])
    assert [each["learning_rate"] for each in rates] == [2.3e-3, 2.3e-3]


def test_a_segment_has_its_own_settings_from_the_first_step_on():
    explorer, learner = (made.start(tt.Settings(), seed=0) for made in (task.make_task(algorithm="dqn"), task.make_task()))
    training.apply(explorer, {"exploration_final_eps": 0.3, "gamma": 0.9})
    assert explorer.exploration_rate == explorer.exploration_schedule(0.5) == 0.3
    training.apply(learner, {"gamma": 0.9, "clip_range": 0.3, "learning_rate": 0.01})
    assert learner.gamma == learner.rollout_buffer.gamma == 0.9
    assert (learner.clip_range(1.0), learner.lr_schedule(0.0)) == (0.3, 0.01)


def test_every_published_setting_lies_in_its_space():
    for environment, algorithm in zoo.PUBLISHED:
        SPACES[algorithm].check(default(environment, algorithm))


def test_what_cannot_be_set_or_taken_up_is_refused():
    with pytest.raises(TaskError, match=r"ppo has no exploration"):
        task.make_task().check(SPACES["dqn"])
    with pytest.raises(TaskError, match=r"not for dqn in Pong"):
        task.make_task("Pong", "dqn")
    checkpoint = task.make_task().encode(task.make_task().start(task.DEFAULT, seed=0))
    with pytest.raises(CheckpointError, match=r"expected one of dqn in CartPole-v1"):
        task.make_task(algorithm="dqn").decode(checkpoint)
