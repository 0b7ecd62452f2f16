"""What a policy is worth while it learns: courses that it does not learn on, beside the best of nine fixed rates on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from trimtab.metatraining.acting import careful
from trimtab.metatraining.distribution import Course, draw
from trimtab.metatraining.environment import Environment, Turn
from trimtab.metatraining.fitting import Worths
from trimtab.metatraining.update import KINDS
from trimtab.policy.levers import KEEP, LEVERS, TORCH_BETAS
from trimtab.seeds import derive, generator

STEERED = ("sgd", "adam", "adamw")
SETS = 4
STARTS = tuple(10.0**power for power in range(-5, 1))
RATES = tuple(10.0 ** (power / 2) for power in range(-9, 0))
DEFAULTS = {"sgd": 1e-2, "adam": 1e-3, "adamw": 1e-3}

Act = Callable[[Turn], np.ndarray]


@dataclass(frozen=True, slots=True)
class Standing:
    """Final log losses on one course: of the policy, (sets, kinds, starts), and of each fixed rate, (sets, kinds, rates)."""

    name: str
    policy: np.ndarray
    fixed: np.ndarray
    divergences: int

    @property
    def excess(self) -> np.ndarray:
        """Log of the policy's loss, median over starts, over that of the best fixed rate: shape (sets, kinds)."""
        return np.median(self.policy, 2) - self.fixed.min(2)

    @property
    def default_excess(self) -> np.ndarray:
        """The same for the common default rates."""
        index = [int(np.argmin(np.abs(np.log(np.array(RATES) / DEFAULTS[kind])))) for kind in STEERED]
        return np.take_along_axis(self.fixed, np.array(index)[None, :, None], 2)[:, :, 0] - self.fixed.min(2)


def keep(turn: Turn) -> np.ndarray:
    """Change nothing."""
    return np.tile(KEEP, (len(turn.reward), 1))


def course(seed: int, index: int, *, rates: tuple[float, ...]) -> Course:
    """Return validation course ``index``: four data sets × three optimizers × ``rates``, all told and all movable."""
    drawn = draw(generator(seed, "validation", index), longest=60)
    grid = np.array([(data, KINDS.index(kind), rate) for data in range(SETS) for kind in STEERED for rate in rates])
    count = len(grid)
    ones = np.ones(count, dtype=bool)
    draws = replace(
        drawn.draws,
        sets=grid[:, 0].astype(int),
        kinds=grid[:, 1].astype(int),
        batch=np.full(count, int(drawn.draws.batch.max())),
        beta2=np.full(count, TORCH_BETAS[1]),
        nesterov=np.zeros(count, dtype=bool),
        balanced=np.zeros(count, dtype=bool),
        seeds=np.full(count, derive(seed, "validation", index) % 2**31),
    )
    values = np.zeros((count, len(LEVERS)))
    values[:, 0], values[:, 2] = grid[:, 2], 0.9
    values[:, 1] = np.where(grid[:, 1] == KINDS.index("adamw"), 0.01, 0.0)
    has = np.zeros(values.shape, dtype=bool)
    has[:, :2] = True  # what a Pilot moves by default
    told = {"start_known": ones, "validated": ones, "has_back": ones, "given": np.zeros(count, dtype=bool)}
    return replace(drawn, draws=draws, values=values, has=has, alias=np.zeros(count, dtype=int), **told)


def run(course: Course, act: Act, *, seed: int, steered: bool) -> tuple[np.ndarray, int]:
    """Return the final log losses of a course steered by ``act``, (N,), and how often one of its trainings diverged."""
    environment = Environment(course, seed=seed, steered=steered)
    turn = environment.start()
    while not turn.done:
        turn = environment.step(act(turn))
    return environment.error, int(environment.divergences.sum())


def fixed(seed: int, index: int) -> np.ndarray:
    """Return the final log losses of the fixed rates with a cosine on validation course ``index``, (sets, kinds, rates)."""
    drawn = course(seed, index, rates=RATES)
    plain = replace(drawn, has_back=np.zeros(len(drawn.values), dtype=bool))
    error, _ = run(plain, keep, seed=derive(seed, "order", index), steered=False)
    return error.reshape(SETS, len(STEERED), len(RATES))


def validate(worths: Worths, seed: int, index: int, peers: np.ndarray) -> Standing:
    """Return how ``worths`` does on validation course ``index`` beside ``peers``, from ``fixed``."""
    drawn = course(seed, index, rates=STARTS)
    error, divergences = run(
        drawn, lambda turn: careful(worths, turn.observation, turn.masks), seed=derive(seed, "order", index), steered=True
    )
    return Standing(drawn.name, error.reshape(SETS, len(STEERED), len(STARTS)), peers, divergences)
