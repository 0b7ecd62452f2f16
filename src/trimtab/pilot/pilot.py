"""A Pilot: a pretrained policy that steers one training while it runs, used like a learning-rate scheduler."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor
from torch.optim import Optimizer

from trimtab.errors import PilotError
from trimtab.pilot.agreement import agreed
from trimtab.pilot.controls import Controls
from trimtab.pilot.history import Entry, Event, figure
from trimtab.pilot.memory import Memory
from trimtab.pilot.watch import Watch
from trimtab.policy import levers
from trimtab.policy.archive import SHIPPED
from trimtab.policy.policy import Policy, Verdict
from trimtab.policy.rules import BROKEN, EARLY_STEPS, LOOKS_BEFORE, RETREAT
from trimtab.policy.sight import Setting, Sight
from trimtab.policy.signals import Look, Signals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

REGRET = 0.02
"""At the end the best weights are put back if their log validation loss is lower by more than this: less is noise."""


class Pilot:
    """Steers the learning rate and the weight decay of ``optimizer`` over ``horizon`` calls of ``step``.

    ``optimizer``: one, or several that train one model. ``policy``: one that is shipped, by name, or a file. ``back``: whether
    the best weights so far are kept (memory for one copy of weights, buffers and optimizer state), to go back to from a
    divergence or a plateau. ``weight_decay``: whether it is moved too (a compiled ``optimizer.step`` is compiled anew whenever
    it changes). Whatever rate the optimizer has is only where the Pilot starts from.

    >>> import torch
    >>> from trimtab.pilot import Pilot
    >>> model = torch.nn.Linear(4, 1)
    >>> optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    >>> pilot = Pilot(optimizer, horizon=3)
    >>> for epoch in range(3):
    ...     loss = model(torch.ones(8, 4)).square().mean()
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     _ = optimizer.step()
    ...     pilot.step(train_loss=loss.item())
    >>> len(pilot.history)
    5
    """

    def __init__(
        self,
        optimizer: Optimizer | Sequence[Optimizer],
        horizon: int,
        *,
        policy: str | Path = SHIPPED,
        back: bool = True,
        weight_decay: bool = True,
    ) -> None:
        optimizers = _optimizers(optimizer)
        self._horizon = _whole("horizon", horizon)
        self.policy = Policy.load(policy)
        self.controls = Controls(optimizers, moves_decay=weight_decay)
        self.memory = Memory(self.controls.parameters, optimizers) if back else None
        self.history: list[Entry] = []
        self._base, self._decay = self.controls.start, self.controls.start_decay
        self._best = 0
        self._warned = False
        start = np.array([math.nan])
        self.sight = Sight(start_loss=start, base=np.array([self._base]), horizon=self._horizon, validated=np.array([True]))
        parameters = self.controls.parameters
        self.watch = Watch(
            optimizers[0], parameters, before=self._before_first_step, early=self._after_first_steps, early_steps=EARLY_STEPS
        )

    @property
    def horizon(self) -> int:
        """Calls of ``step`` that the run is going to have. It may be set anew while the run goes on."""
        return self._horizon

    @horizon.setter
    def horizon(self, horizon: int) -> None:
        if _whole("horizon", horizon) < self.segment:
            raise PilotError(f"horizon: expected at least the {self.segment} segments that have ended, got {horizon}")
        self._horizon = self.sight.horizon = horizon
        self._apply()

    @property
    def segment(self) -> int:
        """Calls of ``step`` so far."""
        return self.sight.segment

    def start(self, *, validation_loss: Any) -> None:
        """Tell the loss before the first step: so the first segment is seen as what it is worth. Call it before any step."""
        if self.watch.total or self.segment:
            raise PilotError("start: expected a call before the first step of the optimizer, got one after it")
        loss = _loss("validation_loss", validation_loss)
        if loss is None or not math.isfinite(loss) or loss <= 0:
            raise PilotError(f"start: expected validation_loss to be a number above 0, got {validation_loss!r}")
        self.sight.begin(np.array([loss]))

    def step(self, *, train_loss: Any = None, validation_loss: Any = None) -> None:
        """End a segment: take in its losses (means, numbers or tensors of one), and set the optimizer for the next.

        Without ``validation_loss`` the run is steered by ``train_loss``; what is given at the first call is needed at all.
        """
        train, validation = _loss("train_loss", train_loss), _loss("validation_loss", validation_loss)
        if train is None and validation is None:
            raise PilotError("step: expected train_loss or validation_loss, got neither: there is nothing to steer by")
        if self.segment >= self._horizon:
            self._warn_of_the_end()
            return
        if self.segment == 0:
            self.sight.validated = np.array([validation is not None])
        if bool(self.sight.validated[0]) and validation is None:
            raise PilotError("step: expected validation_loss as at the first call, got none")
        without_train = train is None
        train, validation = agreed((_or_nan(train), _or_nan(validation)))
        event = self._follow_hand()
        rate = self._base * levers.factor(self.segment, self._horizon)
        # a train loss that is not told is taken to be the validation loss: there is then no gap to be seen
        signals = self._signals("segment", train=validation if without_train else train, validation=validation)
        if self._is_broken(signals):
            event, signals = "diverged", self._mended(signals)
        seen = self.sight.see(signals, self._setting(rate))
        self._remember(broken=event == "diverged")
        losses = (train, validation)
        if self.segment >= self._horizon:
            self._finish(losses, event)
        else:
            self._decide("segment", seen, losses, event)

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each param group."""
        return self.controls.rates()

    def plot(self) -> Figure:
        """Return a figure of the losses and of the learning rate (needs matplotlib)."""
        return figure(self.history, self._horizon)

    def export(self) -> str:
        """Return the schedule as plain PyTorch code, a class that is used like this Pilot and needs no trimtab."""
        from trimtab.pilot.export import export

        return export(self.history, early_steps=EARLY_STEPS)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that an exact continuation needs, beside the states of the model and the optimizer."""
        return {
            "horizon": self._horizon,
            "base": self._base,
            "decay": self._decay,
            "best": self._best,
            "history": list(self.history),
            "sight": self.sight.state_dict(),
            "watch": self.watch.state_dict(),
            "controls": self.controls.state_dict(),
            "memory": None if self.memory is None else self.memory.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken; load the model and the optimizer first."""
        self._horizon, self._base, self._decay, self._best = (state[name] for name in ("horizon", "base", "decay", "best"))
        self.history = list(state["history"])
        self.sight.load_state_dict(state["sight"])
        self.watch.load_state_dict(state["watch"])
        self.controls.load_state_dict(state["controls"])
        if self.memory is not None and state["memory"] is not None:
            self.memory.load_state_dict(state["memory"])

    def _before_first_step(self) -> None:
        """Bring the rate to where a step is sane, and let the policy look twice before the first step is made."""
        if self.memory is not None:
            self.memory.keep()
        self._base = float(levers.sane(np.array([self._base]), np.array([self._share()]))[0])
        zero = np.zeros(1)
        self.sight.acted(np.array([self._base]), zero, zero)
        for _ in range(LOOKS_BEFORE):
            self._look("before", self._before_signals(), self._base)

    def _after_first_steps(self) -> None:
        if self.segment == 0:
            rate = self._base * levers.factor(0, self._horizon)
            self._look("early", self._signals("early"), rate)

    def _look(self, look: Look, signals: Signals, rate: float) -> None:
        seen = self.sight.see(signals, self._setting(rate))
        self._decide(look, seen, (math.nan, math.nan), "")

    def _share(self) -> float:
        """Return what the first step is to move the weights by, as a share of their norm."""
        gradients = self.watch.gradients()
        norm = math.sqrt(sum(float(weight.detach().norm()) ** 2 for weight in self.controls.parameters))
        return self.controls.first_step(gradients, self._base) / norm if gradients and norm > 0 else math.nan

    def _before_signals(self) -> Signals:
        weight = self.watch.weight_norm()
        known = {"weight_norm": weight, "step_norm": weight * self._share(), "gradient_norm": self.watch.gradient_norm()}
        return _signals("before", known | {"steps": 0.0})

    def _signals(self, look: Look, *, train: float = math.nan, validation: float = math.nan) -> Signals:
        figures = self.watch.figures(ends=look == "segment")
        return _signals(look, figures | {"train_loss": train, "validation_loss": validation})

    def _setting(self, rate: float) -> Setting:
        controls = self.controls
        return Setting(
            rate=np.array([rate]),
            base=np.array([self._base]),
            decay=np.array([self._decay]),
            momentum=np.array([controls.momentum]),
            adaptive=np.array([controls.adaptive]),
            decoupled=np.array([controls.decoupled]),
            has_decay=np.array([controls.has_decay]),
            has_back=np.array([self.memory is not None]),
        )

    def _is_broken(self, signals: Signals) -> bool:
        told = signals.validation_loss if bool(self.sight.validated[0]) else signals.train_loss
        figures = (float(told[0]), float(signals.train_loss[0]), float(signals.weight_norm[0]))
        if not all(map(math.isfinite, figures)):
            return True
        start = float(self.sight.start[0])
        return not math.isnan(start) and math.log(max(float(told[0]), 1e-8)) >= start + BROKEN

    def _mended(self, signals: Signals) -> Signals:
        """Go back to the best weights, if they were kept, at a fraction of the rate; return the signals as they now are."""
        self._base /= RETREAT
        if self.memory is not None:
            self.memory.go_back()
            self.watch.forget_displacement()
        log.warning("segment %d diverged; the learning rate is divided by %g", self.segment + 1, RETREAT)
        loss = float(np.exp(self.sight.best[0]))
        return _signals("segment", {"steps": float(signals.steps[0]), "train_loss": loss, "validation_loss": loss})

    def _remember(self, *, broken: bool) -> None:
        if not broken and float(self.sight.error[0]) <= float(self.sight.best[0]):
            self._best = self.segment
            if self.memory is not None:
                self.memory.keep()

    def _decide(self, look: Look, seen: np.ndarray, losses: tuple[float, float], event: Event) -> None:
        worse = float(self.sight.error[0]) > float(self.sight.best[0])
        masks = levers.allowed(
            decay=np.array([self.controls.has_decay]), back=np.array([self.memory is not None and worse and look == "segment"])
        )
        verdict = self.policy.decide(seen[0], [mask[0] for mask in masks])
        action = tuple(map(int, agreed(tuple(map(float, verdict.action)))))
        if action[2]:
            assert self.memory is not None
            self.memory.go_back()
            self.watch.forget_displacement()
            event = event or "went back"
        base = levers.RATE.moved(np.array([self._base]), np.array([action[0]]))
        decay = levers.DECAY.moved(np.array([self._decay]), np.array([action[1]]))
        self.sight.acted(base, np.array([action[1] - levers.DECAY.keep], dtype=np.float64), np.array([float(action[2])]))
        self._base, self._decay = float(base[0]), float(decay[0])
        self._apply()
        self._record(look, losses, event, seen[0], verdict)

    def _apply(self) -> None:
        self.controls.set_rate(self._base * levers.factor(self.segment, self._horizon))
        if self.controls.has_decay:
            self.controls.set_decay(self._decay)

    def _record(
        self, look: Look, losses: tuple[float, float], event: Event, seen: np.ndarray | None, verdict: Verdict | None
    ) -> None:
        entry = Entry(
            segment=self.segment,
            look=look,
            train_loss=losses[0],
            validation_loss=losses[1],
            seen=() if seen is None else tuple(map(float, seen)),
            action=() if verdict is None else verdict.action,
            values=() if verdict is None else tuple(tuple(map(float, values)) for values in verdict.values),
            rate=self.controls.rates()[0],
            decay=self._decay,
            expected=math.nan if verdict is None else verdict.expected,
            doubt=math.nan if verdict is None else verdict.doubt,
            best=self._best,
            event=event,
        )
        self.history.append(entry)
        log.info("%s", entry)

    def _finish(self, losses: tuple[float, float], event: Event) -> None:
        """End the run: with the best weights, where the last are clearly worse on validation data."""
        above = float(self.sight.error[0] - self.sight.best[0])
        if self.memory is not None and bool(self.sight.validated[0]) and above > REGRET:
            self.memory.go_back()
            event = "ended at the best"
        self._record("segment", losses, event, None, None)

    def _follow_hand(self) -> Event:
        """Take over a rate that was set by hand since the last look."""
        factor = self.controls.hand()
        if factor == 1.0:
            return ""
        self._base *= factor
        zero = np.zeros(1)
        self.sight.acted(np.array([self._base]), zero, zero)
        return "changed by hand"

    def _warn_of_the_end(self) -> None:
        if not self._warned:
            warnings.warn(
                f"step: the horizon of {self._horizon} segments is reached; the rate is held. Set pilot.horizon to go on",
                stacklevel=3,
            )
        self._warned = True


def _signals(look: Look, figures: dict[str, float]) -> Signals:
    names = [name for name in Signals.__dataclass_fields__ if name != "look"]
    return Signals(look=look, **{name: np.array([figures.get(name, math.nan)]) for name in names})


def _optimizers(given: Any) -> list[Optimizer]:
    found = list(given) if isinstance(given, (list, tuple)) else [given]
    for one in found:
        if not isinstance(one, Optimizer):
            raise PilotError(f"optimizer: expected a torch.optim.Optimizer, or several, got {one!r}")
    return found


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise PilotError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(value)


def _or_nan(loss: float | None) -> float:
    return math.nan if loss is None else loss


def _loss(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PilotError(f"{name}: expected a number or a tensor of one number, got {value!r}") from error
