"""A course as a vectorised environment: N trainings, at every look an action for each, rewarded by how much its loss fell.

The loss that is rewarded is of examples that the policy is told nothing of. Were it the validation loss, to go back to weights
whose validation was lucky would be rewarded as if they were better.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields, replace

import numpy as np
from torch import Tensor

from trimtab.metatraining.distribution import Course
from trimtab.metatraining.trainings import Draws, Trainings
from trimtab.metatraining.update import KINDS
from trimtab.policy import levers
from trimtab.policy.rules import BROKEN, EARLY_STEPS, LOOKS_BEFORE, REGRET, RETREAT
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

    def take(self, rows: np.ndarray) -> Turn:
        """Return what the trainings ``rows`` show."""
        return Turn(self.observation[rows], [mask[rows] for mask in self.masks], self.reward[rows], self.done)


class Environment:
    """Steers the trainings of a ``course``: ``start``, then ``step`` with actions (N, heads) until a turn is ``done``.

    ``steered=False``: the rates are left as insane as they start, for what a fixed schedule comes to.
    """

    def __init__(self, course: Course, *, seed: int, steered: bool = True, device: str = "cpu") -> None:
        self.course = course
        self._values = course.values.astype(np.float64)
        found = ~course.given & steered
        draws = self._modernised(found)
        self._kinds = draws.kinds
        self.trainings = Trainings(course.build, course.problem, draws, seed=seed, device=device)
        self._early = EARLY_STEPS if course.steps > EARLY_STEPS + 1 else 0
        before: list[Look] = ["before"] * (LOOKS_BEFORE - 1)
        self._looks: list[Look] = [*before, "early"] if self._early else before
        self.trainings.set(self._effective())
        rate = self._values[:, 0]
        if steered:
            self.trainings.before(rate)
            share = self.trainings.first_share(rate)
            self._values[:, 0] = levers.first_rate(
                rate, share, self.trainings.fan, kind=_names(draws), momentum=self._values[:, 2], given=course.given
            )
            for apart, name in ((self._kinds == KINDS.index("adamw"), "adaptive"), (draws.balanced, "balanced")):
                self._values[found & course.has[:, 1] & apart, 1] = levers.FIRST_DECAY[name]
        self.error = _log(self.trainings.test())
        self.best = self.error.copy()
        known = np.where(course.start_known, self.trainings.validation().cpu().numpy(), np.nan)
        self.sight = Sight(start_loss=known, base=self._base, horizon=course.horizon, validated=course.validated)
        self.divergences = np.zeros(len(self._values), dtype=int)

    def _modernised(self, found: np.ndarray) -> Draws:
        """Return the draws of the course as a Pilot would have them where it finds the start: ``found``, (N,) bool."""
        draws, has_decay, momentum = self.course.draws, self.course.has[:, 1], self._values[:, 2]
        adam, adamw = KINDS.index("adam"), KINDS.index("adamw")
        usual = found & np.isin(draws.kinds, (adam, adamw)) & (momentum == levers.TORCH_BETAS[0])
        momentum[usual] = levers.BETAS[0]
        return replace(
            draws,
            kinds=np.where(found & has_decay & (draws.kinds == adam), adamw, draws.kinds),
            beta2=np.where(usual, levers.BETAS[1], draws.beta2),
            nesterov=draws.nesterov | (found & (momentum > 0)),
            balanced=draws.balanced | (found & (draws.kinds == KINDS.index("sgd"))),
        )

    def take(self, rows: np.ndarray) -> Environment:
        """Return the environment of the trainings ``rows``, (n,), as they are now, each as often as it is named there."""
        taken = copy.copy(self)
        taken.course, taken.trainings, taken.sight = self.course.take(rows), self.trainings.take(rows), self.sight.take(rows)
        of_each = ("_kinds", "_values", "error", "best", "divergences")
        vars(taken).update({name: getattr(self, name)[rows] for name in of_each}, _looks=list(self._looks))
        return taken

    @property
    def looks(self) -> int:
        """How often it is still to be looked at before the end."""
        return len(self._looks) + self.course.horizon - self.sight.segment

    def start(self) -> Turn:
        """Return the first turn: before the first step, the rate already that of a sound first step."""
        return self._turn(self.trainings.before(self._base), self._base)

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
            signals = self.trainings.advance(self._early, rate, look=look)
        return self._turn(signals, rate)

    def _segment(self) -> Turn:
        course, sight = self.course, self.sight
        steps = course.steps - (self._early if sight.segment == 0 else 0)
        rate = self._base * levers.factor(sight.segment, course.horizon)
        signals = self.trainings.advance(steps, rate, look="segment")
        error = _log(self.trainings.test())
        told = _log(np.where(course.validated, signals.validation_loss, signals.train_loss))
        limit = np.where(np.isnan(sight.start), np.inf, sight.start + BROKEN)
        broken = ~(np.isfinite(error) & np.isfinite(told) & (told < limit))
        if broken.any():
            signals = self._mended(signals, broken)
        after = np.where(broken, self.best, error)
        observation = self._seen(signals, rate)
        better = (sight.error <= sight.best) & ~broken
        self.trainings.keep(better)
        self.best = np.where(better, after, self.best)
        done = sight.segment >= course.horizon
        if done:
            regretted = course.has_back & course.validated & (sight.error > sight.best + REGRET)
            after = np.where(regretted, self.best, after)
        reward = self.error - after - PRICE * broken
        self.error = after
        return Turn(observation, self._masks(), reward, done)

    def _mended(self, signals: Signals, broken: np.ndarray) -> Signals:
        """Put the broken trainings back, at a fraction of their rate, and return signals with their losses as they now are."""
        self.divergences += broken
        self.trainings.go_back(broken)
        self._values[:, 0] = np.where(broken, self._base / RETREAT, self._base)
        told = np.exp(np.where(np.isnan(self.sight.best), self.best, self.sight.best))
        finite = {field.name: _finite(getattr(signals, field.name)) for field in fields(signals) if field.name != "look"}
        losses = {name: np.where(broken, told, finite[name]) for name in ("train_loss", "validation_loss")}
        return replace(signals, **{**finite, **losses})

    @property
    def _base(self) -> np.ndarray:
        return self._values[:, 0]

    def _effective(self) -> np.ndarray:
        """Return the levers as they act: what is behind a knob without a name stands where that knob stands."""
        values = self._values.copy()
        for index, lever in enumerate(levers.LEVERS):
            rows = self.course.has[:, -1] & (self.course.alias == index)
            values[rows, index] = lever.at(values[rows, -1])
        return values

    def _act(self, actions: np.ndarray) -> None:
        actions = actions.copy()
        actions[self.course.has_back & self.sight.overfits(), -1] = levers.GO_BACK_LOWER
        back = actions[:, -1] > 0
        if back.any():
            self.trainings.go_back(back)
        self._values = levers.moved(self._values, actions)
        self.trainings.set(self._effective())
        self.sight.acted(self._base, actions)

    def _turn(self, signals: Signals, rate: np.ndarray) -> Turn:
        return Turn(self._seen(signals, rate), self._masks(), np.zeros(len(rate)), done=False)

    def _seen(self, signals: Signals, rate: np.ndarray) -> np.ndarray:
        course = self.course
        setting = Setting(
            rate=rate,
            values=self._values,
            has=course.has,
            adaptive=self._kinds != 0,
            decoupled=self._kinds == KINDS.index("adamw"),
            has_back=course.has_back,
            given=course.given,
        )
        return self.sight.see(signals, setting)

    def _masks(self) -> list[np.ndarray]:
        worse = self.sight.error > self.sight.best
        return levers.allowed(self.course.has, self.course.has_back & worse)


def _names(draws: Draws) -> np.ndarray:
    """Return by which line of FIRST each training starts."""
    return np.where(draws.kinds != KINDS.index("sgd"), "adaptive", np.where(draws.balanced, "balanced", "plain"))


def _log(loss: np.ndarray | Tensor) -> np.ndarray:
    return np.log(np.maximum(np.asarray(loss if isinstance(loss, np.ndarray) else loss.cpu(), dtype=np.float64), FLOOR))


def _finite(value: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(value), value, np.nan)
