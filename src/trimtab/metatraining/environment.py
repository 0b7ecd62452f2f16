"""A course as a vectorised environment: N trainings, at every look an action for each, rewarded by how much its loss fell."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from trimtab.metatraining.distribution import Course
from trimtab.metatraining.trainings import Trainings
from trimtab.policy import levers
from trimtab.policy.rules import BROKEN, EARLY_STEPS, LOOKS_BEFORE, RETREAT
from trimtab.policy.sight import FLOOR, Setting, Sight
from trimtab.policy.signals import Look, Signals

PRICE = 0.1
"""What a divergence costs beside the segment that is lost."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What N trainings show at a look. ``reward``, (N,), is for the action before; ``masks``: one array (N, moves) a head."""

    observation: np.ndarray
    masks: list[np.ndarray]
    reward: np.ndarray
    done: bool


class Environment:
    """Steers the trainings of a ``course``: ``start``, then ``step`` with actions (N, heads) until a turn is ``done``.

    ``steered=False``: the rates are left as insane as they start, for what a fixed schedule comes to.
    """

    def __init__(self, course: Course, *, seed: int, steered: bool = True, device: str = "cpu") -> None:
        self.course = course
        self.trainings = Trainings(course.build, course.problem, course.draws, seed=seed, device=device)
        self._early = EARLY_STEPS if course.steps > EARLY_STEPS + 1 else 0
        before: list[Look] = ["before"] * (LOOKS_BEFORE - 1)
        self._looks: list[Look] = [*before, "early"] if self._early else before
        first = self.trainings.before(course.rate)
        self._base = (
            levers.sane(course.rate, first.step_norm / first.weight_norm) if steered else course.rate.astype(np.float64)
        )
        self._decay = course.decay.astype(np.float64)
        self.error = _log(self.trainings.validation().cpu().numpy())
        self.best = self.error.copy()
        known = np.where(course.start_known, np.exp(self.error), np.nan)
        self.sight = Sight(start_loss=known, base=course.rate, horizon=course.horizon, validated=course.validated)
        self.divergences = np.zeros(len(course.rate), dtype=int)

    def start(self) -> Turn:
        """Return the first turn: before the first step, the rate already brought to where a step is sane."""
        zeros = np.zeros(len(self._base))
        self.sight.acted(self._base, zeros, zeros)
        return self._turn(self.trainings.before(self._base), self._base, reward=zeros)

    def step(self, actions: np.ndarray) -> Turn:
        """Do what ``actions``, (N, heads), say, and go on to the next look."""
        self._act(actions)
        if not self._looks:
            return self._segment()
        look = self._looks.pop(0)
        if look == "before":
            rate, signals = self._base, self.trainings.before(self._base)
        else:
            rate = self._base * levers.factor(0, self.course.horizon)
            signals = self.trainings.advance(self._early, rate, self._decay, look=look)
        return self._turn(signals, rate, reward=np.zeros(len(rate)))

    def _segment(self) -> Turn:
        course, sight = self.course, self.sight
        steps = course.steps - (self._early if sight.segment == 0 else 0)
        rate = self._base * levers.factor(sight.segment, course.horizon)
        signals = self.trainings.advance(steps, rate, self._decay, look="segment")
        error = _log(signals.validation_loss)
        told = np.where(course.validated, error, _log(signals.train_loss))
        limit = np.where(np.isnan(sight.start), np.inf, sight.start + BROKEN)
        broken = ~(np.isfinite(error) & np.isfinite(told) & (told < limit))
        if broken.any():
            signals = self._mended(signals, broken)
        after = np.where(broken, self.best, error)
        reward = self.error - after - PRICE * broken
        self.error = after
        observation = self._seen(signals, rate)
        better = (sight.error <= sight.best) & ~broken
        self.trainings.keep(better)
        self.best = np.where(better, after, self.best)
        return Turn(observation, self._masks(), reward, sight.segment >= course.horizon)

    def _mended(self, signals: Signals, broken: np.ndarray) -> Signals:
        """Put the broken trainings back, at a fraction of their rate, and return signals with their losses as they now are."""
        self.divergences += broken
        self.trainings.go_back(broken)
        self._base = np.where(broken, self._base / RETREAT, self._base)
        told = np.exp(np.where(np.isnan(self.sight.best), self.best, self.sight.best))
        finite = {field.name: _finite(getattr(signals, field.name)) for field in fields(signals) if field.name != "look"}
        losses = {name: np.where(broken, told, finite[name]) for name in ("train_loss", "validation_loss")}
        return replace(signals, **{**finite, **losses})

    def _act(self, actions: np.ndarray) -> None:
        base, back = levers.RATE.moved(self._base, actions[:, 0]), actions[:, 2] > 0
        if back.any():
            self.trainings.go_back(back)
        self.sight.acted(base, (actions[:, 1] - levers.DECAY.keep).astype(np.float64), back.astype(np.float64))
        self._base, self._decay = base, levers.DECAY.moved(self._decay, actions[:, 1])

    def _turn(self, signals: Signals, rate: np.ndarray, *, reward: np.ndarray) -> Turn:
        return Turn(self._seen(signals, rate), self._masks(), reward, done=False)

    def _seen(self, signals: Signals, rate: np.ndarray) -> np.ndarray:
        course = self.course
        setting = Setting(
            rate=rate,
            base=self._base,
            decay=self._decay,
            momentum=course.draws.momentum,
            adaptive=course.draws.kinds != 0,
            decoupled=course.draws.kinds == 2,
            has_decay=course.has_decay,
            has_back=course.has_back,
        )
        return self.sight.see(signals, setting)

    def _masks(self) -> list[np.ndarray]:
        worse = self.sight.error > self.sight.best
        return levers.allowed(decay=self.course.has_decay, back=self.course.has_back & worse)


def siblings(values: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Return the mean of ``values``, (N,), over the other trainings on the same one of the ``sets``, (N,).

    >>> siblings(np.array([1.0, 2.0, 6.0]), np.array([0, 0, 0]))
    array([4. , 3.5, 1.5])
    """
    total, count = np.bincount(sets, values)[sets], np.bincount(sets)[sets]
    return (total - values) / np.maximum(count - 1, 1)


def _log(loss: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(loss.astype(np.float64), FLOOR))


def _finite(value: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(value), value, np.nan)
