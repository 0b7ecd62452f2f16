"""What a pretrained policy says of the moves of a study: of its own hyperparameters, by their own moves, in its unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trimtab.env import Trace
from trimtab.policy import levers
from trimtab.policy.levers import DECAY, DROPOUT, KNOB, LEVERS, MOMENTUM, RATE, SMOOTHING, Lever
from trimtab.policy.policy import Policy
from trimtab.policy.rules import MARGIN, gain
from trimtab.policy.sight import FEATURES, Setting, Sight
from trimtab.policy.signals import Signals
from trimtab.space import Float, Int, Settings, Space, Value

KNOWN: Mapping[str, Lever] = {
    "lr": RATE,
    "weight_decay": DECAY,
    "momentum": MOMENTUM,
    "beta1": MOMENTUM,
    "dropout": DROPOUT,
    "label_smoothing": SMOOTHING,
}
"""Hyperparameters that the policy knows by name; any other number is a knob to it."""
UNKNOWN = -0.05
"""What it says of moves that it knows nothing of, such as another optimizer, beside leaving things as they are: 0."""
_PLACE = {lever.name: index for index, lever in enumerate(LEVERS)}


@dataclass(frozen=True, slots=True)
class View:
    """What the policy has seen of a run up to a node: its ``sight``, and the observation, (len(FEATURES),)."""

    sight: Sight
    observation: np.ndarray


class Adviser:
    """Sees the runs of a study as ``policy`` does and tells what it thinks of the moves that the study may make.

    The loss is the validation loss, whatever the goal's metric is: it is what the policy has learned to lower.
    """

    def __init__(self, policy: Policy, space: Space) -> None:
        self.policy = policy
        self.space = space
        self.levers = {name: _lever(space, name) for name in space.live}
        self.moves = max(space.heads)

    def see(self, trace: Trace, before: View | None) -> View:
        """Return the view at the end of ``trace``; ``before``: that at the end of all but its last segment."""
        if before is None or not trace.steps:
            return self._first(trace)
        sight = before.sight.take(np.arange(1))
        step = trace.steps[-1]
        previous = trace.steps[-2].settings if len(trace.steps) > 1 else trace.start
        sight.acted(np.array([_rate(step.settings)]), self._moved(previous, step.settings))
        telemetry, measured = step.after.telemetry, step.after
        figures = {
            "train_loss": measured.train_loss,
            "validation_loss": measured.metrics.get("loss", math.nan),
            "steps": float(measured.steps),
            "weight_norm": telemetry.weight_norm,
            "step_norm": telemetry.step_norm,
            "displacement": telemetry.update_norm,
            "cosine": telemetry.cosine,
            "gradient_norm": float(np.mean(telemetry.gradient_norms)) if telemetry.gradient_norms else math.nan,
            "gradient_cosine": telemetry.gradient_cosine,
            "step_cosine": telemetry.step_cosine,
            "after_cosine": telemetry.after_cosine,
        }
        signals = Signals(look="segment", **{name: np.array([value]) for name, value in figures.items()})
        return View(sight, sight.see(signals, self._setting(step.settings, sight, trace.horizon))[0])

    def advice(self, view: View, settings: Settings) -> np.ndarray:
        """Return by how much lower the run ends, in log loss, by each of the study's moves, (heads, moves), padded with 0.

        What the least convinced member of the ensemble thinks, less what a move must be worth to be made at all.
        """
        told = np.zeros((len(self.levers), self.moves), dtype=np.float32)
        least: dict[str, np.ndarray] = {}
        for row, keep, (name, lever) in zip(told, self.space.keep(), self.levers.items(), strict=True):
            member = self.space[name]
            row[: len(member.moves)] = UNKNOWN
            row[keep] = 0.0
            if lever is None or lever.name not in self.policy.levers:
                continue
            assert isinstance(member, (Float, Int))
            values = self._least(view, settings, name, lever, least)
            for move in range(len(member.moves)):
                if move != keep:
                    after = member.apply(settings[name], member.moves[move])
                    worth = np.interp(self._size(name, lever, settings[name], after), _sizes(lever), values)
                    row[move] = float(gain(np.array(worth)) - gain(np.array(MARGIN)))
        # rounding errors, which may differ from process to process, must not reach what a study records
        return np.round(told, 6)

    def _least(self, view: View, settings: Settings, name: str, lever: Lever, known: dict[str, np.ndarray]) -> np.ndarray:
        """Return what the least convinced member thinks of each move of ``lever``; knobs are asked for one by one."""
        key = name if lever is KNOB else ""
        if key not in known:
            observation = view.observation
            if lever is KNOB:
                observation = observation.copy()
                observation[FEATURES.index("knob")] = self._position(name, settings[name])
                observation[FEATURES.index("knob is a lever")] = 1.0
            known[key] = self.policy.members(observation).min(0)
        return known[key][self.policy.levers.index(lever.name), : len(lever.moves)]

    def _first(self, trace: Trace) -> View:
        base, loss = np.array([_rate(trace.start)]), np.array([trace.before.metrics.get("loss", math.nan)])
        sight = Sight(start_loss=loss, base=base, horizon=trace.horizon, validated=np.array([True]))
        return View(sight, np.zeros(len(FEATURES), dtype=np.float32))

    def _setting(self, settings: Settings, sight: Sight, horizon: int) -> Setting:
        kind = str(settings.get("optimizer", "adam"))
        values = {name: float(settings[name]) for name in KNOWN if name in settings}
        row = [{KNOWN[name].name: value for name, value in values.items()}.get(lever.name, 0.0) for lever in LEVERS]
        if "momentum" not in values and "beta1" not in values:
            row[_PLACE[MOMENTUM.name]] = 0.9
        here = {lever.name for lever in self.levers.values() if lever is not None} - {KNOB.name}
        rate = _rate(settings)
        return Setting(
            rate=np.array([rate * levers.factor(max(0, sight.segment), horizon)]),
            values=np.array([row]),
            has=np.array([[lever.name in here for lever in LEVERS]]),
            adaptive=np.array([kind != "sgd"]),
            decoupled=np.array([kind == "adamw"]),
            has_back=np.array([False]),
            given=np.array([True]),
        )

    def _moved(self, before: Settings, after: Settings) -> np.ndarray:
        """Return the policy's own moves that are nearest to what was changed, (1, heads)."""
        action = np.array([levers.KEEP])
        for name, lever in self.levers.items():
            if lever is not None and lever is not KNOB and before[name] != after[name]:
                size = self._size(name, lever, before[name], after[name])
                action[0, _PLACE[lever.name]] = int(np.abs(_sizes(lever) - size).argmin())
        return action

    def _size(self, name: str, lever: Lever, before: Value, after: Value) -> float:
        """Return the size of a change on the scale of ``lever``."""
        if lever is KNOB:
            return self._position(name, after) - self._position(name, before)
        old, new = float(before), float(after)
        if lever.scale == "linear":
            return new - old
        if lever.scale == "complement":
            return math.log(max(1.0 - new, 1e-6) / max(1.0 - old, 1e-6))
        return math.log(new / old) if old > 0 and new > 0 else math.copysign(math.log(4.0), new - old)

    def _position(self, name: str, value: Value) -> float:
        return self.space[name].encode(value)[0]


def _lever(space: Space, name: str) -> Lever | None:
    """Return the lever of the policy that a live hyperparameter is; None where it is no number."""
    return KNOWN.get(name, KNOB) if isinstance(space[name], (Float, Int)) else None


def _sizes(lever: Lever) -> np.ndarray:
    """Return the sizes of a lever's moves on its own scale, ascending as its moves are."""
    moves = np.array(lever.moves)
    return moves if lever.scale == "linear" else np.log(moves)


def _rate(settings: Settings) -> float:
    return float(settings.get("lr", 1.0))
