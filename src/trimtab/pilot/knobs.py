"""Hyperparameters beyond the optimizer's own, that a Pilot may move: each is read, set, and kept between its bounds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from trimtab.errors import PilotError
from trimtab.pilot.live_loader import LiveLoader
from trimtab.policy.levers import DROPOUT, SMOOTHING
from trimtab.task.apply import dropout_modules


@dataclass(frozen=True, slots=True)
class Knob:
    """Anything that may be changed while a training runs.

    ``get`` returns its value, ``set`` takes a new one, from ``bounds``: low and high, both included. ``log``: values are
    spaced by factors, not by differences. ``whole``: they are whole numbers.

    >>> strength = {"value": 0.5}
    >>> knob = Knob(lambda: strength["value"], lambda value: strength.update(value=value), bounds=(0.0, 1.0))
    >>> knob.position()
    0.5
    """

    get: Callable[[], float]
    set: Callable[[Any], object]
    bounds: tuple[float, float]
    log: bool = False
    whole: bool = False

    def position(self) -> float:
        """Return where the value stands, from 0 (low) to 1 (high)."""
        (low, high), value = self.bounds, min(max(float(self.get()), self.bounds[0]), self.bounds[1])
        return math.log(value / low) / math.log(high / low) if self.log else (value - low) / (high - low)

    def at(self, position: float) -> float | int:
        """Return the value at ``position``."""
        low, high = self.bounds
        value = low * (high / low) ** position if self.log else low + (high - low) * position
        return round(value) if self.whole else value

    def checked(self, name: str) -> Knob:
        """Return this knob, if it has bounds and a value, and takes that value; PilotError otherwise."""
        low, high = (float(bound) for bound in self.bounds)
        if not (math.isfinite(low) and math.isfinite(high) and low < high) or (self.log and low <= 0):
            raise PilotError(f"{name}: expected bounds from low to high{', above 0,' * self.log} got {self.bounds!r}")
        value = _called(name, self.get)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise PilotError(f"{name}: expected its value to be a number in [{low:g}, {high:g}], got {value!r}")
        _called(name, lambda: self.set(value))
        return self


def _called(name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        raise PilotError(f"{name}: its getter or its setter refused: {error}") from error


def moved(name: str, knob: Knob, value: float | int) -> bool:
    """Set ``knob`` to ``value`` and return whether it took it; if not, it is put back, with a warning."""
    before = knob.get()
    try:
        knob.set(value)
    except Exception as error:  # noqa: BLE001  # whatever a user's setter raises must not end the run
        warnings.warn(f"{name}: its setter refused {value!r} ({error}); it is left at {before!r} from now on", stacklevel=2)
        knob.set(before)
        return False
    return True


def knob_of(name: str, given: Any) -> Knob:
    """Return the knob that ``given`` is, or has.

    A model has one for ``dropout``, a loss for ``label_smoothing``, a LiveLoader for ``batch_size``.
    """
    if isinstance(given, Knob):
        return given.checked(name)
    if isinstance(given, LiveLoader):
        return Knob(lambda: given.live_batch_size, given.set_batch_size, given.bounds, log=True, whole=True).checked(name)
    if name == DROPOUT.name and isinstance(given, nn.Module):
        return _dropout(given).checked(name)
    if name == SMOOTHING.name and isinstance(getattr(given, SMOOTHING.name, None), (int, float)):
        smoothing = Knob(
            lambda: given.label_smoothing,
            lambda value: setattr(given, SMOOTHING.name, value),
            (SMOOTHING.low, max(SMOOTHING.high, given.label_smoothing)),
        )
        return smoothing.checked(name)
    what = {DROPOUT.name: "a model or a Knob", SMOOTHING.name: "a loss with label_smoothing or a Knob"}
    raise PilotError(f"{name}: expected {what.get(name, 'a Knob, or a LiveLoader for batch_size')}, got {given!r}")


def _dropout(model: nn.Module) -> Knob:
    """Return the dropout of all modules of ``model`` that drop units, in their present ratios to the highest."""
    modules = dropout_modules(model)
    if not modules:
        raise PilotError("dropout: expected a model with a module that drops units, such as nn.Dropout; got one without")
    highest = max(float(getattr(module, attribute)) for module, attribute in modules)
    ratios = [float(getattr(module, attribute)) / highest if highest else 1.0 for module, attribute in modules]

    def get() -> float:
        return max(float(getattr(module, attribute)) for module, attribute in modules)

    def set_all(value: float) -> None:
        for (module, attribute), ratio in zip(modules, ratios, strict=True):
            setattr(module, attribute, value * ratio)

    return Knob(get, set_all, (DROPOUT.low, max(DROPOUT.high, highest)))
