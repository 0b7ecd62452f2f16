"""What a policy sees: features without scale, made of the signals of N trainings and of what was seen of them before."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.policy.levers import DROPOUT, KEEP, KNOB, LEVERS, SMOOTHING
from trimtab.policy.rules import FALLEN, OVERFIT, PATIENCE, RISING
from trimtab.policy.signals import Signals

LIMIT = 10.0
"""Every feature is clipped to [-LIMIT, LIMIT]."""
LN10 = float(np.log(10.0))
FLOOR = 1e-8
"""Losses below this count as this."""
ROUNDING = 1e-12
"""Log losses that differ by less are the same."""

FEATURES = (
    "progress",
    "segments left (log)",
    "before the first step",
    "after the first steps",
    "loss since start",
    "loss above best",
    "loss change",
    "loss change before",
    "loss change, smoothed",
    "loss noise",
    "segments since best",
    "train loss since start",
    "train loss change",
    "gap",
    "gap change",
    "validation known",
    "start known",
    "step / weight (log10)",
    "segment / weight (log10)",
    "straightness (log)",
    "diffusion (log)",
    "cosine of segments",
    "cosine of gradients",
    "cosine of step and descent",
    "cosine of step and descent after it",
    "gradient (log, relative)",
    "gradient change",
    "steps in segment (log)",
    "adaptive",
    "decoupled decay",
    "momentum",
    "decay in a segment (log10)",
    "no decay",
    "rate since start (log)",
    "last rate move (log)",
    "last decay move",
    "went back",
    "decay is a lever",
    "back is a lever",
    "last momentum move",
    "momentum is a lever",
    "dropout",
    "last dropout move",
    "dropout is a lever",
    "label smoothing",
    "last smoothing move",
    "smoothing is a lever",
    "knob",
    "last knob move",
    "knob is a lever",
    "rate is given",
)
"""Names of the features, in order. Differences of losses are differences of their logarithms."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How N trainings are set when they are looked at: arrays (N,), of levers (N, len(LEVERS)).

    ``rate``: learning rate of the steps that were made last. ``values``: of the levers, of which the first is the rate that the
    reference schedule multiplies; ``has``: which of them may be moved; those of weight decay and momentum are known in any
    case. ``adaptive``, ``decoupled``: whether the optimizer scales its steps by gradient statistics, decays weights by itself.
    ``has_back``: whether it may go back. ``given``: whether it started from the rate that it was given.
    """

    rate: np.ndarray
    values: np.ndarray
    has: np.ndarray
    adaptive: np.ndarray
    decoupled: np.ndarray
    has_back: np.ndarray
    given: np.ndarray


class Sight:
    """Watches N trainings from their start to their horizon, in segments.

    ``start_loss``: loss before the first step, NaN where it is not known. ``validated``: whether there is a validation loss;
    otherwise the train loss is what is to fall.
    """

    def __init__(self, *, start_loss: np.ndarray, base: np.ndarray, horizon: int, validated: np.ndarray) -> None:
        count = len(base)
        self.horizon = horizon
        self.segment = 0
        self.validated = validated
        self.set_out(base)
        self.begin(start_loss)
        self._since_best, self._waited = np.zeros(count), np.zeros(count)
        self._change, self._before, self._smooth, self._noise = (np.zeros(count) for _ in range(4))
        self._train, self._train_at_best, self._gap, self._gradient = (np.full(count, np.nan) for _ in range(4))
        self._last = np.zeros((len(LEVERS) + 1, count))
        self._errors = np.zeros((0, count))

    def set_out(self, base: np.ndarray) -> None:
        """Take note of the base rates, (N,), that are found before anything is decided."""
        self._first_base = base.astype(np.float64)
        self._base = self._first_base.copy()

    def begin(self, start_loss: np.ndarray) -> None:
        """Take note of the loss before the first step, (N,), NaN where it is not known."""
        self.start = _log(start_loss)
        self._start_known = np.isfinite(self.start)
        self.error, self.best = self.start.copy(), self.start.copy()

    def rescale(self, scale: Callable[[float], float]) -> None:
        """Count all losses anew: a loss ℓ that was seen so far as ``scale(ℓ)``."""
        anew = np.vectorize(scale, otypes=[np.float64])
        for name in ("start", "error", "best", "_train", "_train_at_best", "_errors"):
            setattr(self, name, _log(anew(np.exp(getattr(self, name)))))

    def state_dict(self) -> dict[str, Any]:
        """Return all that was seen so far."""
        return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        vars(self).update({name: value.copy() if isinstance(value, np.ndarray) else value for name, value in state.items()})

    def take(self, rows: np.ndarray) -> Sight:
        """Return a sight of the trainings ``rows``, (n,), each as often as it is named there."""
        taken = copy.copy(self)
        of_each = {name: value[..., rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        vars(taken).update(of_each)
        return taken

    def acted(self, base: np.ndarray, actions: np.ndarray | None = None) -> None:
        """Take note of what was done: the new base rates, (N,), by ``actions``, (N, heads); None: all else was left alone."""
        self._last[:] = 0.0
        self._last[0] = np.log(base / self._base)
        if actions is not None:
            self._last[1:] = actions.T[1:] - np.array(KEEP[1:])[:, None]
        self._base = base.astype(np.float64)
        went = self._last[-1] > 0
        self.error = np.where(went, self.best, self.error)
        self._waited = np.where(went, 0.0, self._waited)

    def overfits(self) -> np.ndarray:
        """Return which trainings, (N,) bool, learn their examples by heart; see ``rules.PATIENCE``."""
        half = max(1, round(0.5 * PATIENCE * self.horizon))
        if len(self._errors) < 2 * half:
            return np.zeros(len(self.error), dtype=bool)
        earlier, later = self._errors[-2 * half : -half].mean(0), self._errors[-half:].mean(0)
        apart = (self.error > self.best + OVERFIT) & (self._train < self._train_at_best - OVERFIT)
        rising = (self._waited >= 2 * half) & (later > earlier + RISING)
        return self.validated & rising & apart & (self.best > self.start - FALLEN)

    def see(self, signals: Signals, setting: Setting) -> np.ndarray:
        """Return the features, shape (N, len(FEATURES)), float32, at this look; a look at a segment's end counts it."""
        ended = signals.look == "segment"
        with np.errstate(invalid="ignore", divide="ignore"):
            train, validation = np.log(np.maximum((signals.train_loss, signals.validation_loss), FLOOR))
            norms = (signals.weight_norm, signals.step_norm, signals.displacement, signals.gradient_norm)
            weight, step, apart, gradient = np.log(np.where(np.greater(norms, 0.0), norms, np.nan))
            steps = np.log(np.maximum(signals.steps, 1.0))
            gap = np.where(self.validated, validation - train, 0.0)
            train_change, gap_change = train - self._train, gap - self._gap
            if ended:
                self.segment += 1
                self._follow(np.where(self.validated, validation, train), train)
            columns = (
                *self._time(signals),
                *self._losses(),
                train - self.start,
                train_change,
                gap,
                gap_change,
                self.validated,
                self._start_known,
                (step - weight) / LN10 + 2.0,
                (apart - weight) / LN10 + 1.0,
                apart - step - steps,
                apart - step - 0.5 * steps,
                signals.cosine,
                signals.gradient_cosine,
                signals.step_cosine,
                signals.after_cosine,
                gradient + weight - train,
                gradient - self._gradient,
                steps - 3.0,
                *self._settings(steps, setting),
            )
            table = np.empty((len(FEATURES), len(self.error)))
            for row, column in zip(table, columns, strict=True):
                row[:] = column
        if ended:
            self._train, self._gap = train, gap
        self._gradient = gradient
        table[np.isnan(table)] = 0.0
        return np.minimum(np.maximum(table.T, -LIMIT), LIMIT).astype(np.float32, order="C")

    def _follow(self, error: np.ndarray, train: np.ndarray) -> None:
        """Take in the errors and the train losses at the end of a segment."""
        first = np.isnan(self.start)
        self.start = np.where(first, error, self.start)
        change = np.where(np.isnan(self.error), 0.0, error - self.error)
        # in another unit a loss may be rounded the other way: what differs by that alone is no better
        better = ~(error >= self.best - ROUNDING)
        self._since_best, self._waited = np.where(better, 0.0, (self._since_best + 1.0, self._waited + 1.0))
        self._train_at_best = np.where(better | np.isnan(self._train_at_best), train, self._train_at_best)
        self.best = np.where(better, error, self.best)
        self._before, self._change = self._change, change
        surprise = np.abs(change - self._smooth)
        self._noise = 0.7 * self._noise + 0.3 * surprise
        self._smooth = 0.7 * self._smooth + 0.3 * change
        self.error, self._errors = error, np.concatenate([self._errors, error[None]])

    def _time(self, signals: Signals) -> tuple[float, ...]:
        left = max(0, self.horizon - self.segment)
        return (
            self.segment / self.horizon,
            float(np.log1p(left)) - 3.0,
            float(signals.look == "before"),
            float(signals.look == "early"),
        )

    def _losses(self) -> tuple[np.ndarray, ...]:
        return (
            self.error - self.start,
            self.error - self.best,
            self._change,
            self._before,
            self._smooth,
            self._noise,
            np.log1p(self._since_best),
        )

    def _settings(self, steps: np.ndarray, setting: Setting) -> tuple[np.ndarray, ...]:
        _, decay, momentum, *others = setting.values.T
        _, has_decay, has_momentum, *has = setting.has.T
        last_rate, last_decay, last_momentum, *last, back = self._last
        decays = decay > 0
        shrink = np.log(np.where(decays, setting.rate * decay, 1.0)) + steps
        rest = zip((DROPOUT, SMOOTHING, KNOB), others, last, has, strict=True)
        return (
            setting.adaptive,
            setting.decoupled,
            momentum,
            np.where(decays, shrink / LN10 + 3.0, 0.0),
            ~decays,
            np.log(self._base / self._first_base) / 2.0,
            last_rate,
            last_decay,
            back,
            has_decay,
            setting.has_back,
            last_momentum,
            has_momentum,
            *(column for lever, value, move, here in rest for column in (here * value / lever.high, move, here)),
            setting.given,
        )


def _log(loss: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(loss, FLOOR))
