"""The classic first experiment: an agent sets the learning rate and the optimizer of a linear model while it trains.

    python -m examples.first_experiment [--agent q-learning|sarsa|dqn|random] [--seed 0]

Ten numbers in, two classes out: the first ten principal components of handwritten ones and sevens. Rates
{1e-2, 1e-3, 1e-4, 1e-5}, optimizers {SGD, Adam, Adagrad}, 100 iterations of two epochs, from the worst start: SGD at 1e-5.
The agent learns from nothing, within the one run. It sees train and validation loss; the test loss is read for printing only.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

import trimtab as tt
from trimtab import agents
from trimtab.env import feature_names

RATES = (1e-2, 1e-3, 1e-4, 1e-5)
OPTIMIZERS = ("sgd", "adam", "adagrad")
ITERATIONS = 100
SPACE = tt.Space(lr=tt.Categorical(*RATES), optimizer=tt.Categorical(*OPTIMIZERS))
PACE = 0.03
"""An iteration that lowers the validation loss by less than 3 % counts as a loss of time."""
WORST = {"lr": 1e-5, "optimizer": "sgd"}


@dataclass(frozen=True)
class Line:
    """One iteration: the losses after it and the settings it was trained under."""

    iteration: int
    train: float
    validation: float
    test: float
    settings: tt.Settings


def load_splits(seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return train, validation and test data: 60, 20 and 20 % of the ones and sevens. Only train data shapes the components."""
    pixels, digits = load_digits(return_X_y=True)
    chosen = (digits == 1) | (digits == 7)
    x, y = pixels[chosen], (digits[chosen] == 7).astype(np.int64)
    x_train, x_rest, y_train, y_rest = train_test_split(x, y, test_size=0.4, stratify=y, random_state=seed)
    x_validation, x_test, y_validation, y_test = train_test_split(
        x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=seed
    )
    components = PCA(10, random_state=0).fit(x_train)
    scale = StandardScaler().fit(components.transform(x_train))

    def prepared(inputs: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(scale.transform(components.transform(inputs)), dtype=torch.float32), torch.tensor(labels)

    return [prepared(x_train, y_train), prepared(x_validation, y_validation), prepared(x_test, y_test)]


def make_task(seed: int) -> tt.TorchTask:
    """Return the task: two epochs an iteration, at a rate that only the agent changes."""
    train, validation, test = load_splits(seed)
    return tt.TorchTask(
        build=lambda _: nn.Linear(10, 2),
        train=train,
        validation=validation,
        test=test,
        segment="2 epochs",
        reference="constant",
        defaults={"batch_size": 16},
    )


def make_agent(name: str, seed: int) -> agents.Agent:
    """Return a learner: one head for the rate, one for the optimizer. The tables' states are the present rate and optimizer."""
    names = feature_names(SPACE)
    columns = tuple(index for index, feature in enumerate(names) if "[" in feature)
    table = agents.Discretiser((0.0,) * len(columns), (1.0,) * len(columns), (2,) * len(columns), columns)
    exploration = agents.EpsilonGreedy(start=0.3, end=0.02, steps=60)
    tabular = {"alpha": 0.01, "gamma": 0.9, "discretiser": table, "exploration": exploration}
    deep = {"hidden": (32,), "gamma": 0.9, "n_step": 1, "learning_starts": 4, "train_every": 1, "gradient_steps": 4}
    deep = {**deep, "batch_size": 32, "lr": 3e-3, "target_every": 10, "exploration": exploration}
    options = {"q-learning": tabular, "sarsa": tabular, "dqn": deep, "random": {}}[name]
    return agents.make(name, features=len(names), heads=SPACE.heads, seed=seed, **options)


def iterations(name: str, seed: int) -> Iterator[Line]:
    """Run the experiment and yield a line after every iteration."""
    task = make_task(seed)
    # without a pace to keep, the smallest progress would look good to a table that has seen nothing better
    reward = {"final": 1.0, "pace": lambda _before, _after: -PACE}
    env = tt.TrainingEnv(task, SPACE, horizon=ITERATIONS, start=WORST, reward=reward)
    agent = make_agent(name, seed)
    observation, info = env.reset(seed=seed)
    for iteration in itertools.count(1):
        decision = agent.decide(observation, info["masks"])
        seen, reward, terminated, truncated, info = env.step(decision.action)
        agent.learn(agents.Transition(observation, decision.action, reward, seen, terminated, truncated, info["masks"]))
        observation = seen
        test = env.evaluate("test")["loss"]
        yield Line(iteration, info["train_loss"], info["metrics"]["loss"], test, info["settings"])
        if terminated:
            return


def fixed(settings: tt.Settings, seed: int) -> Line:
    """Return the last line of the same training under settings that stand still."""
    env = tt.TrainingEnv(make_task(seed), SPACE, horizon=ITERATIONS, start=settings)
    _, info = env.reset(seed=seed)
    for _ in range(ITERATIONS):
        _, _, terminated, _, info = env.step(SPACE.keep())
        if terminated:
            break
    return Line(ITERATIONS, info["train_loss"], info["metrics"]["loss"], env.evaluate("test")["loss"], settings)


def best_fixed(seed: int) -> Line:
    """Return the best of all twelve fixed settings, picked by validation loss."""
    lines = [fixed(tt.Settings(lr=lr, optimizer=optimizer), seed) for lr in RATES for optimizer in OPTIMIZERS]
    return min(lines, key=lambda line: line.validation)


def main() -> None:
    """Print the experiment as it goes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", choices=("q-learning", "sarsa", "dqn", "random"), default="q-learning")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("iteration  train loss  validation loss  test loss  settings")
    for line in iterations(options.agent, options.seed):
        print(f"{line.iteration:9}  {line.train:10.3f}  {line.validation:15.3f}  {line.test:9.3f}  {line.settings}")
    best = best_fixed(options.seed)
    print(f"best fixed  {best.train:9.3f}  {best.validation:15.3f}  {best.test:9.3f}  {best.settings}")


if __name__ == "__main__":
    main()
