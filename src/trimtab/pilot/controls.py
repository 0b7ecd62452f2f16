"""All that a Pilot moves, as one row of levers: the optimizer's own hyperparameters and whatever knobs it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from trimtab.pilot.knobs import Knob, moved
from trimtab.pilot.optimizers import Optimizers
from trimtab.policy import levers
from trimtab.policy.levers import DECAY, DROPOUT, KNOB, LEVERS, MOMENTUM, RATE, SMOOTHING

_COLUMN = {lever.name: index for index, lever in enumerate(LEVERS)}
NAMED = (DROPOUT.name, SMOOTHING.name)
"""Knobs that the policy knows by name; of any other it knows where it stands between its bounds."""


class Controls:
    """The levers of one training.

    ``values``, ``has``, (1, levers): where they stand, and which may be moved; the first is the rate that the reference
    schedule multiplies. ``fixed``: what was set once at the start. ``others``: the names of the knobs that are not known by
    name. The first of them is the lever KNOB of ``values``; the policy is asked once more for each that follows, by its
    ``positions``.
    """

    def __init__(self, optimizers: Optimizers, knobs: Mapping[str, Knob], *, moves: Sequence[str]) -> None:
        self.optimizers = optimizers
        self.knobs = dict(knobs)
        self.others = [name for name in knobs if name not in NAMED]
        self.positions = {name: knobs[name].position() for name in self.others}
        self.last_moves = dict.fromkeys(self.others, 0.0)
        start = {RATE.name: optimizers.rate, DECAY.name: optimizers.decay, MOMENTUM.name: optimizers.momentum}
        start |= {name: float(knobs[name].get()) for name in NAMED if name in knobs}
        if self.others:
            start[KNOB.name] = self.positions[self.others[0]]
        self.fixed: dict[str, Any] = {}
        self.values = np.array([[start.get(lever.name, 0.0) for lever in LEVERS]])
        given = {RATE.name, *moves, *(name for name in NAMED if name in knobs), *([KNOB.name] if self.others else [])}
        self.has = np.array([[lever.name in given for lever in LEVERS]])

    @property
    def base(self) -> float:
        """The rate that the reference schedule multiplies."""
        return float(self.values[0, 0])

    @base.setter
    def base(self, rate: float) -> None:
        self.values[0, 0] = rate

    def begin(self, share: float, fan: float, *, given: bool) -> None:
        """Bring rate and decay to where a run starts.

        A first step at the present rate is ``share`` of the weights, which have ``fan`` inputs to an output.
        """
        optimizers = self.optimizers
        about = {"kind": optimizers.kind, "momentum": optimizers.momentum, "given": given}
        of_all = {name: np.array([value]) for name, value in about.items()}
        self.values[:, 0] = levers.first_rate(self.values[:, 0], np.array([share]), fan, **of_all)
        if given:
            return
        self.fixed = self.optimizers.modernise(decay=self._moves(DECAY.name))
        self.values[0, _COLUMN[MOMENTUM.name]] = self.optimizers.momentum
        if self._moves(DECAY.name) and (optimizers.decoupled or optimizers.balances):
            self.values[0, _COLUMN[DECAY.name]] = levers.FIRST_DECAY["adaptive" if optimizers.decoupled else "balanced"]

    def act(self, action: Sequence[int], further: Sequence[int]) -> None:
        """Move the levers by ``action``, one move a head, and the knobs after the first of ``others`` by ``further``."""
        self.values = levers.moved(self.values, np.array([action]))
        for name, move in zip(self.others, (action[_COLUMN[KNOB.name]], *further), strict=False):
            self.positions[name] = float(KNOB.moved(np.array([self.positions[name]]), np.array([move]))[0])
            self.last_moves[name] = float(move - KNOB.keep)

    def apply(self, factor: float) -> None:
        """Set the optimizers and the knobs to where the levers stand, the rate to ``factor`` times its base."""
        self.optimizers.set_rate(self.base * factor)
        if self._moves(DECAY.name):
            self.optimizers.set_decay(self.value(DECAY.name))
        if self._moves(MOMENTUM.name):
            self.optimizers.set_momentum(self.value(MOMENTUM.name))
        for name, knob in list(self.knobs.items()):
            value = self._meant(name, knob)
            if value != knob.get() and not moved(name, knob, value):
                self._give_up(name)

    def settings(self) -> dict[str, float]:
        """Return all that is moved beside the rate, and the weight decay, by name."""
        names = [DECAY.name, *([MOMENTUM.name] if self._moves(MOMENTUM.name) else [])]
        return {**{name: self.value(name) for name in names}, **{name: float(knob.get()) for name, knob in self.knobs.items()}}

    def value(self, name: str) -> float:
        """Return where the lever ``name`` stands."""
        return float(self.values[0, _COLUMN[name]])

    def _meant(self, name: str, knob: Knob) -> float | int:
        """Return what ``knob`` is to be set to; one that is known by name has bounds of its own within those of its lever."""
        if name in self.positions:
            return knob.at(self.positions[name])
        low, high = knob.bounds
        column = _COLUMN[name]
        self.values[0, column] = min(max(self.values[0, column], low), high)
        return self.value(name)

    def _moves(self, name: str) -> bool:
        return bool(self.has[0, _COLUMN[name]])

    def _give_up(self, name: str) -> None:
        """Leave a knob alone that does not take what it is set to."""
        del self.knobs[name]
        if name in self.others:
            self.others.remove(name)
            self.positions.pop(name, None)
            self.last_moves.pop(name, None)
            self.has[0, _COLUMN[KNOB.name]] = bool(self.others)
            self.values[0, _COLUMN[KNOB.name]] = self.positions[self.others[0]] if self.others else 0.0
        else:
            self.has[0, _COLUMN[name]] = False

    def state_dict(self) -> dict[str, Any]:
        return {
            "values": torch.from_numpy(self.values.copy()),
            "positions": dict(self.positions),
            "last_moves": dict(self.last_moves),
            "fixed": dict(self.fixed),
            "optimizers": self.optimizers.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the levers, and set the knobs; the optimizers' own settings are loaded with the optimizers."""
        self.values, self.fixed = state["values"].numpy().copy(), dict(state["fixed"])
        self.positions, self.last_moves = dict(state["positions"]), dict(state["last_moves"])
        self.optimizers.load_state_dict(state["optimizers"])
        for name, knob in list(self.knobs.items()):
            if name in self.others and name not in self.positions:
                self._give_up(name)  # as it was given up before
            else:
                moved(name, knob, self._meant(name, knob))
