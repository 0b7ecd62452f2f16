"""The same training, its learning rate steered by a Pilot that is told how the agent fares; the published rate is not used.

python -m examples.reinforcement.pilot [--environment CartPole-v1] [--algorithm ppo] [--steps 100000] [--seed 0]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stable_baselines3.common.base_class import BaseAlgorithm

import trimtab as tt
from examples.reinforcement import zoo
from examples.reinforcement.zoo import PUBLISHED, Curve, Flight


class Steered(Curve):
    """Tells a Pilot of every point of the curve."""

    def __init__(self, every: int, value: Callable[[BaseAlgorithm], float], pilot: tt.Pilot) -> None:
        super().__init__(every, value)
        self.pilot = pilot

    def _on_rollout_start(self) -> None:
        known = len(self.points)
        super()._on_rollout_start()
        if len(self.points) > known:
            self.pilot.step(validation_loss=-self.points[-1][1])


def fly(seed: int, environment: str = "CartPole-v1", algorithm: str = "ppo", steps: int | None = None) -> Flight:
    """Return what one steered training of ``steps`` (those published, if None) comes to, with twenty points of its curve."""
    steps = PUBLISHED[environment, algorithm]["n_timesteps"] if steps is None else steps
    every, model = zoo.every(environment, algorithm, steps), zoo.build(seed, environment, algorithm)
    pilot = tt.Pilot(model.policy.optimizer, horizon=max(1, steps // every))
    # Stable-Baselines3 sets the rate before every update: to what the Pilot has made it
    model.lr_schedule = lambda _: pilot.get_last_lr()[0]
    value = partial(zoo.validation_return, environment=environment, seed=seed)
    return zoo.flown(model, Steered(every, value, pilot), seed, environment, steps)


if __name__ == "__main__":
    zoo.main(fly, __doc__)
