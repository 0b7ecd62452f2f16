"""What a policy sees: features without scale, made of the signals of N trainings and of what was seen of them before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.policy.signals import Signals

LIMIT = 10.0
"""Every feature is clipped to [-LIMIT, LIMIT]."""
FLOOR = 1e-8
"""Losses below this count as this."""

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
)
"""Names of the features, in order. Differences of losses are differences of their logarithms."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How N trainings are set when they are looked at: arrays (N,).

    ``rate``: learning rate of the steps that were made last; ``base``: the rate that the reference schedule multiplies.
    ``adaptive``, ``decoupled``: whether the optimizer scales its steps by gradient statistics, decays weights by itself.
    ``has_decay``, ``has_back``: whether these levers may be moved.
    """

    rate: np.ndarray
    base: np.ndarray
    decay: np.ndarray
    momentum: np.ndarray
    adaptive: np.ndarray
    decoupled: np.ndarray
    has_decay: np.ndarray
    has_back: np.ndarray


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
        self._first_base = base.astype(np.float64)
        self.begin(start_loss)
        self._since_best = np.zeros(count)
        self._change, self._before, self._smooth, self._noise = (np.zeros(count) for _ in range(4))
        self._train, self._gap, self._gradient = (np.full(count, np.nan) for _ in range(3))
        self._last = np.tile(np.array([0.0, 0.0, 0.0]), (count, 1))
        self._base = self._first_base.copy()

    def begin(self, start_loss: np.ndarray) -> None:
        """Take note of the loss before the first step, (N,), NaN where it is not known."""
        self.start = _log(start_loss)
        self._start_known = np.isfinite(self.start)
        self.error, self.best = self.start.copy(), self.start.copy()

    def state_dict(self) -> dict[str, Any]:
        """Return all that was seen so far."""
        return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        vars(self).update({name: value.copy() if isinstance(value, np.ndarray) else value for name, value in state.items()})

    def acted(self, base: np.ndarray, decay_move: np.ndarray, back: np.ndarray) -> None:
        """Take note of what was done: the new base rates, −1, 0 or 1 for the decay, and who went back to the best."""
        self._last = np.stack([np.log(base / self._base), decay_move, back], 1)
        self._base = base.astype(np.float64)
        went = back > 0
        self.error = np.where(went, self.best, self.error)

    def see(self, signals: Signals, setting: Setting) -> np.ndarray:
        """Return the features, shape (N, len(FEATURES)), float32, at this look; a look at a segment's end counts it."""
        ended = signals.look == "segment"
        train = _log(signals.train_loss)
        gap = np.where(self.validated, _log(signals.validation_loss) - train, 0.0)
        train_change, gap_change = train - self._train, gap - self._gap
        if ended:
            self.segment += 1
            self._follow(np.where(self.validated, _log(signals.validation_loss), train))
        gradient = np.log10(_positive(signals.gradient_norm))
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = (
                *self._time(signals),
                *self._losses(),
                train - self.start,
                train_change,
                gap,
                gap_change,
                self.validated,
                self._start_known,
                *_motion(signals),
                np.where(np.isnan(self.error), 0.0, np.log(_positive(signals.gradient_norm * signals.weight_norm)) - train),
                (gradient - self._gradient) * np.log(10.0),
                np.log(np.maximum(signals.steps, 1.0)) - 3.0,
                *self._settings(signals, setting),
            )
        if ended:
            self._train, self._gap = train, gap
        self._gradient = gradient
        table = np.stack([np.broadcast_to(np.asarray(column, dtype=np.float64), self.error.shape) for column in columns], 1)
        return np.clip(np.nan_to_num(table, nan=0.0, posinf=LIMIT, neginf=-LIMIT), -LIMIT, LIMIT).astype(np.float32)

    def _follow(self, error: np.ndarray) -> None:
        """Take in the errors at the end of a segment."""
        first = np.isnan(self.start)
        self.start = np.where(first, error, self.start)
        change = np.where(np.isnan(self.error), 0.0, error - self.error)
        better = ~(error >= self.best)
        self._since_best = np.where(better, 0.0, self._since_best + 1.0)
        self.best = np.where(better, error, self.best)
        self._before, self._change = self._change, change
        surprise = np.abs(change - self._smooth)
        self._noise = 0.7 * self._noise + 0.3 * surprise
        self._smooth = 0.7 * self._smooth + 0.3 * change
        self.error = error

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

    def _settings(self, signals: Signals, setting: Setting) -> tuple[np.ndarray, ...]:
        shrink = setting.rate * setting.decay * np.maximum(signals.steps, 1.0)
        return (
            setting.adaptive,
            setting.decoupled,
            setting.momentum,
            np.where(setting.decay > 0, np.log10(_positive(shrink)) + 3.0, 0.0),
            setting.decay == 0,
            np.log(self._base / self._first_base) / 2.0,
            *self._last.T,
            setting.has_decay,
            setting.has_back,
        )


def _motion(signals: Signals) -> tuple[np.ndarray, ...]:
    weight, step, steps = _positive(signals.weight_norm), _positive(signals.step_norm), np.maximum(signals.steps, 1.0)
    apart = _positive(signals.displacement)
    return (
        np.log10(step / weight) + 2.0,
        np.log10(apart / weight) + 1.0,
        np.log(apart / (step * steps)),
        np.log(apart / (step * np.sqrt(steps))),
        signals.cosine,
        signals.gradient_cosine,
    )


def _log(loss: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(loss, FLOOR))


def _positive(value: np.ndarray) -> np.ndarray:
    """Return ``value`` where it is above zero, NaN elsewhere."""
    return np.where(value > 0, value, np.nan)
