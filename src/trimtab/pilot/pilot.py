"""A Pilot: a pretrained policy that steers one training while it runs, used like a learning-rate scheduler."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.optim import Optimizer

from trimtab.errors import PilotError
from trimtab.pilot.agreement import agreed
from trimtab.pilot.checks import check_loss, check_optimizers, check_switches, check_whole
from trimtab.pilot.controls import Controls
from trimtab.pilot.first_step import fan_in, first_share, first_step
from trimtab.pilot.history import RETURNS, Entry, Event, figure
from trimtab.pilot.knobs import knob_of
from trimtab.pilot.memory import Memory
from trimtab.pilot.optimizers import Optimizers
from trimtab.pilot.scale import LossScale
from trimtab.pilot.watch import Watch
from trimtab.policy import levers
from trimtab.policy.archive import SHIPPED
from trimtab.policy.policy import Decides, Policy, Still, Verdict
from trimtab.policy.rules import BROKEN, EARLY_STEPS, LOOKS_BEFORE, RAMP, REGRET, RETREAT, ramp
from trimtab.policy.sight import FEATURES, Setting, Sight
from trimtab.policy.signals import Look, Signals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

_PLACES = tuple((name, place) for place, name in enumerate(levers.NAMES))


class Pilot:
    """Steers learning rate, weight decay and what else it is given of a training over ``horizon`` calls of ``step``.

    Whatever values there are, are only where it starts from, and of the rate not even that: it starts from one that is sound
    for the net and its optimizer. Say ``given=True`` where the rate is known to be right for the weights, as for fine-tuning.

    ``optimizer``: one, or several that train one model. ``policy``: one that is shipped, by name, or a file; None: the
    reference schedule alone, from the rate that is found. ``back``: whether the best weights so far are kept (memory for one
    copy of weights, buffers and optimizer state), to go back to from a divergence or a plateau. ``weight_decay``, ``momentum``
    (μ or β₁): whether they are moved too; a compiled ``optimizer.step`` is compiled anew whenever they change. ``knobs``: what
    else may be moved, by name: ``dropout=model``, ``label_smoothing=criterion`` (validate without it),
    ``batch_size=LiveLoader(…)``, and anything by a ``Knob``. ``balance``: whether SGD gets a rate of its own for every row of
    weights, by scaling its gradients before each step; never where the rate is ``given``.

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
        policy: str | Path | None = SHIPPED,
        back: bool = True,
        weight_decay: bool = True,
        momentum: bool = False,
        balance: bool = True,
        given: bool = False,
        **knobs: Any,
    ) -> None:
        optimizers = check_optimizers(optimizer)
        self._horizon = check_whole("horizon", horizon)
        check_switches(back=back, weight_decay=weight_decay, momentum=momentum, balance=balance, given=given)
        self.policy: Decides = Still() if policy is None else Policy.load(policy)
        self.optimizers = Optimizers(optimizers, balance=balance and not given)
        asked = {"weight_decay": weight_decay, "momentum": momentum}
        self.controls = Controls(
            self.optimizers,
            {name: knob_of(name, given) for name, given in knobs.items()},
            moves=[name for name in asked if asked[name] and self.optimizers.has(name)],
        )
        parameters = self.optimizers.parameters
        balances = [one.state for one in self.optimizers.balances]
        self.memory = Memory(parameters, optimizers, balances) if back else None
        self.history: list[Entry] = []
        self.scale = LossScale()
        self._best = 0
        self._given = given
        self._by_hand = False
        self._warned = False
        base = self.controls.values[:, 0].copy()
        self.sight = Sight(start_loss=np.array([math.nan]), base=base, horizon=self._horizon, validated=np.array([True]))
        self.watch = Watch(
            optimizers[0],
            parameters,
            before=self._before_first_step,
            early=self._after_first_steps,
            early_steps=EARLY_STEPS,
            each=self._before_step,
        )

    @property
    def horizon(self) -> int:
        """Calls of ``step`` that the run is going to have. It may be set anew while the run goes on."""
        return self._horizon

    @horizon.setter
    def horizon(self, horizon: int) -> None:
        if check_whole("horizon", horizon) < self.segment:
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
        loss = check_loss("validation_loss", validation_loss)
        if loss is None or not math.isfinite(loss):
            raise PilotError(f"start: expected validation_loss to be a finite number, got {validation_loss!r}")
        self.scale.switches(loss)
        self.sight.begin(np.array([self.scale(loss)]))

    def step(self, *, train_loss: Any = None, validation_loss: Any = None) -> None:
        """End a segment: take in its losses (means, numbers or tensors of one), and set the optimizer for the next.

        Without ``validation_loss`` the run is steered by ``train_loss``; what is given at the first call is needed at all.
        """
        train, validation = check_loss("train_loss", train_loss), check_loss("validation_loss", validation_loss)
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
        self._follow_hand()
        event: Event = "changed by hand" if self._by_hand else ""
        self._by_hand = False
        rate = self.controls.base * levers.factor(self.segment, self._horizon)
        # a train loss that is not told is taken to be the validation loss: there is then no gap to be seen
        losses = (train, validation)
        if self.scale.switches(*losses):
            self.sight.rescale(self.scale)
        signals = self._signals("segment", train=validation if without_train else train, validation=validation)
        if self._is_broken(signals):
            event, signals = "diverged", self._mended(signals)
        seen = self.sight.see(signals, self._setting(rate))
        self._remember(broken=event == "diverged")
        if self.segment >= self._horizon:
            self._finish(losses, event)
        else:
            self._decide("segment", seen, losses, event)

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each param group."""
        return self.optimizers.rates()

    def plot(self) -> Figure:
        """Return a figure of the losses and of what was set (needs matplotlib); PilotError before there is anything to draw."""
        if not self.history:
            raise PilotError("plot: expected a run whose optimizer has made a step, got none")
        return figure(self.history, self._horizon)

    def export(self) -> str:
        """Return the schedule as plain PyTorch code, a class that is used like this Pilot and needs no trimtab."""
        from trimtab.pilot.export import export

        return export(
            self.history, early_steps=EARLY_STEPS, ramp=RAMP, fixed=self.controls.fixed, balanced=bool(self.optimizers.balances)
        )

    def state_dict(self) -> dict[str, Any]:
        """Return everything that an exact continuation needs, beside the states of the model and the optimizer.

        Numbers, strings and tensors alone, so that ``torch.load`` reads it as it is (``weights_only=True``).
        """
        sight = self.sight.state_dict()
        return {
            "horizon": self._horizon,
            "best": self._best,
            "history": [entry.to_record() for entry in self.history],
            "sight": {name: torch.from_numpy(one) if isinstance(one, np.ndarray) else one for name, one in sight.items()},
            "scale": self.scale.state_dict(),
            "watch": self.watch.state_dict(),
            "controls": self.controls.state_dict(),
            "memory": None if self.memory is None else self.memory.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken; load the model and the optimizer first."""
        self._horizon, self._best = state["horizon"], state["best"]
        self.history = [Entry(**entry) for entry in state["history"]]
        sight = {name: one.numpy() if isinstance(one, torch.Tensor) else one for name, one in state["sight"].items()}
        self.sight.load_state_dict(sight)
        self.scale.load_state_dict(state["scale"])
        self.watch.load_state_dict(state["watch"])
        self.controls.load_state_dict(state["controls"])
        if self.memory is not None and state["memory"] is not None:
            self.memory.load_state_dict(state["memory"])

    def _before_first_step(self) -> None:
        """Bring the rate to that of a sound first step, and let the policy look twice before that is made."""
        if self.memory is not None:
            self.memory.keep()
        moving = self.watch.moving()
        share = first_share(self.optimizers, moving, self.controls.base)
        self.controls.begin(share, fan_in(moving), given=self._given)
        self.controls.base = agreed((self.controls.base,))[0]
        self.sight.set_out(self.controls.values[:, 0])
        for _ in range(LOOKS_BEFORE):
            self._look("before", self._before_signals(), self.controls.base)

    def _before_step(self, step: int) -> None:
        """Set the rate of a step while it rises: the last of them sets all of it."""
        if step < RAMP:
            self._follow_hand()
            self.optimizers.set_rate(self.controls.base * levers.factor(self.segment, self._horizon) * ramp(step))

    def _after_first_steps(self) -> None:
        if self.segment == 0:
            rate = self.controls.base * levers.factor(0, self._horizon)
            self._look("early", self._signals("early"), rate)

    def _look(self, look: Look, signals: Signals, rate: float) -> None:
        seen = self.sight.see(signals, self._setting(rate))
        self._decide(look, seen, (math.nan, math.nan), "")

    def _before_signals(self) -> Signals:
        watch = self.watch
        step = first_step(self.optimizers, [gradient for _, gradient in watch.moving()], self.controls.base)
        known = {"weight_norm": watch.weight_norm(), "step_norm": step, "gradient_norm": watch.gradient_norm()}
        return _signals("before", known | {"steps": 0.0})

    def _signals(self, look: Look, *, train: float = math.nan, validation: float = math.nan) -> Signals:
        figures = self.watch.figures(ends=look == "segment")
        return _signals(look, figures | {"train_loss": self.scale(train), "validation_loss": self.scale(validation)})

    def _setting(self, rate: float) -> Setting:
        return Setting(
            rate=np.array([rate]),
            values=self.controls.values,
            has=self.controls.has,
            adaptive=np.array([self.optimizers.adaptive]),
            decoupled=np.array([self.optimizers.decoupled]),
            has_back=np.array([self.memory is not None]),
            given=np.array([self._given]),
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
        self.controls.base /= RETREAT
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
        masks = levers.allowed(self.controls.has, np.array([self.memory is not None and worse and look == "segment"]))
        masks = [mask[0] for mask in masks]
        verdict = self.policy.decide(seen[0], masks)
        if self.memory is not None and look == "segment" and self.sight.overfits()[0]:
            verdict = replace(verdict, action=(*verdict.action[:-1], levers.GO_BACK_LOWER))
            event = "overfit"
        further = self._further(seen[0], masks)
        whole = tuple(map(int, agreed(tuple(map(float, (*verdict.action, *further))))))
        action, further = whole[: len(levers.HEADS)], whole[len(levers.HEADS) :]
        if action[-1]:
            assert self.memory is not None
            self.memory.go_back()
            self.watch.forget_displacement()
            # whoever follows the exported schedule has to go back, whatever else happened in the segment
            event = event if event in RETURNS else "went back"
        self.controls.act(action, further)
        self.sight.acted(self.controls.values[:, 0], np.array([action]))
        self._apply()
        self._record(look, losses, event, seen[0], replace(verdict, action=action))

    def _further(self, seen: np.ndarray, masks: list[np.ndarray]) -> tuple[int, ...]:
        """Return the moves of the knobs after the first: the policy is asked anew for each, as if it were that."""
        knob = levers.LEVERS.index(levers.KNOB)
        moves: list[int] = []
        for name in self.controls.others[1:]:
            told = {"knob": self.controls.positions[name], "last knob move": self.controls.last_moves[name]}
            observation = seen.copy()
            observation[[FEATURES.index(feature) for feature in told]] = list(told.values())
            moves.append(self.policy.decide(observation, masks).action[knob])
        return tuple(moves)

    def _apply(self) -> None:
        self.controls.apply(levers.factor(self.segment, self._horizon))

    def _record(
        self, look: Look, losses: tuple[float, float], event: Event, seen: np.ndarray | None, verdict: Verdict | None
    ) -> None:
        entry = Entry(
            segment=self.segment,
            look=look,
            train_loss=losses[0],
            validation_loss=losses[1],
            seen=() if seen is None else tuple(map(float, seen)),
            moves={} if verdict is None else {name: levers.MOVES[name][verdict.action[place]] for name, place in _PLACES},
            values={} if verdict is None else {name: tuple(values.tolist()) for name, values in verdict.values.items()},
            rate=self.optimizers.rates()[0],
            settings=self.controls.settings(),
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

    def _follow_hand(self) -> None:
        """Take over a rate that was set by hand since it was last set here."""
        factor = self.optimizers.hand()
        if factor != 1.0:
            self._by_hand = True
            self.controls.base *= factor
            self.sight.acted(self.controls.values[:, 0])

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


def _or_nan(loss: float | None) -> float:
    return math.nan if loss is None else loss
