"""Treatment: how much insulin a pump gives a virtual patient with type 1 diabetes, every quarter of an hour of a day.

The day itself is in ``day``, what pumps do in ``rules``. It is research on simulated patients, and no device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.system import Split, System, checked_render_mode
from trimtab.systems.treatment.day import MINUTES, Day, Patient, patients
from trimtab.systems.treatment.rules import BASAL, BOLUS, RULES, forecast
from trimtab.systems.treatment.simulator import EXTRA

DECISION = 15
"""Minutes between two decisions."""
FEATURES = 30
WEIGHTS = ((54.0, 3.0), (70.0, 2.4), (180.0, 0.0), (250.0, 0.8), (math.inf, 1.6))
"""The glycemia risk index (Klonoff et al. 2023, J Diabetes Sci Technol 17:1226): the weight of a percent of the day below
each bound in mg/dL and above the one before."""
_REWARD = 10.0
"""Of the index, for a reward of 1."""
_ACTION = 300
"""Minutes for which insulin acts, and a meal is digested."""
Action: TypeAlias = "np.ndarray | Sequence[int]"


class Insulin(gymnasium.Env[np.ndarray, Action]):
    """A day of one of ``names``. An action is an index into ``BASAL`` and one into ``BOLUS``; the latter counts with a meal."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, names: Sequence[str], split: Split, *, render_mode: str | None = None) -> None:
        self.names = names
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.MultiDiscrete([len(BASAL), len(BOLUS)])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        rng = generator(drawn, self.split, "day")
        name = str(rng.choice(self.names))
        self.day = Day(patients()[name], int(rng.integers(2**31)))
        self.given = [1.0]
        return self._observe(), {"patient": name, **self._info({})}

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if not self.action_space.contains(np.asarray(action)):
            raise ControlError(f"action: expected two indices, below {len(BASAL)} and below {len(BOLUS)}, got {action!r}")
        began, basal = self.day.minute, BASAL[int(action[0])]
        self.given.append(basal)
        self.day.advance(DECISION, basal, BOLUS[int(action[1])] if self.day.coming(DECISION) else 1.0)
        costs = self._costs(began)
        return self._observe(), -costs["risk"] / _REWARD, self.day.over, False, self._info(costs)

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.treatment.picture import picture

        return picture(self.day)

    def _costs(self, began: int) -> dict[str, float]:
        """Return the costs of the minutes since ``began``, in percent of a day; of one that was cut short, of the rest too."""
        course = np.array(self.day.glucose[began:])
        if self.day.lost:
            course = np.append(course, np.full(MINUTES - self.day.minute, course[-1]))
        below = float((course < 70).sum())
        beyond = below + float((course > 180).sum())
        parts = {"risk": float(weights(course).sum()), "out of range": beyond, "below 70": below}
        return {name: 100 * minutes / MINUTES for name, minutes in parts.items()}

    def _info(self, costs: dict[str, float]) -> dict[str, Any]:
        bolus = np.array(BOLUS) == 1.0 if not self.day.coming(DECISION) else np.ones(len(BOLUS), dtype=bool)
        return {"costs": costs, "action_mask": (np.ones(len(BASAL), dtype=bool), bolus)}

    def _observe(self) -> np.ndarray:
        seen = [*_of_glucose(self.day), *self._of_insulin(), *_of_meals(self.day), *_of_patient(self.day)]
        return np.clip(np.array(seen), -1, 1).astype(np.float32)

    def _of_insulin(self) -> list[float]:
        day, recent = self.day, self.given[-12:]
        usual = day.patient.basal
        hour, three = np.sum(day.insulin[-60:]) / (60 * usual), np.sum(day.insulin[-180:]) / (180 * usual)
        return [
            on_board(day) / day.patient.daily * 4,
            on_board(day) * day.patient.correction / 200,
            hour / 8,
            three / 8,
            recent[-1] / 2 - 0.5,
            sum(recent[-4:]) / len(recent[-4:]) / 2 - 0.5,
            sum(recent) / len(recent) / 2 - 0.5,
        ]


def weights(glucose: np.ndarray) -> np.ndarray:
    """Return the weight in the glycemia risk index of each of ``glucose``, mg/dL."""
    bounds, values = zip(*WEIGHTS, strict=True)
    return np.array(values)[np.searchsorted(bounds[:-1], glucose, side="right")]


def on_board(day: Day) -> float:
    """Return the units given above the patient's basal rate that still act, if their action falls off in a straight line."""
    given = np.array(day.insulin[-_ACTION:]) - day.patient.basal
    return float(given @ (1 - np.arange(len(given))[::-1] / _ACTION))


def _of_glucose(day: Day) -> list[float]:
    readings = day.readings
    now = readings[-1]
    ago = [readings[max(0, len(readings) - 1 - minutes)] for minutes in (6, 15, 30, 45, 60, 120)]
    recent = np.array(readings[-180:])
    return [
        now / 200 - 0.7,
        *((now - reading) / 60 for reading in ago),
        forecast(readings) / 200 - 0.7,
        min(now, 100.0) / 30 - 7 / 3,
        float(recent.mean()) / 200 - 0.7,
        float(recent.min()) / 100 - 1,
    ]


def _of_meals(day: Day) -> list[float]:
    eaten = [(day.minute - meal.minute, meal.grams) for meal in day.meals if meal.minute < day.minute]
    since = min((minutes for minutes, _ in eaten), default=_ACTION)
    left = sum(grams * max(0.0, 1 - minutes / _ACTION) for minutes, grams in eaten)
    angle = 2 * math.pi * day.minute / MINUTES
    return [
        math.sin(angle),
        math.cos(angle),
        day.coming(DECISION) / 100,
        left / 100,
        left / day.patient.ratio / day.patient.daily * 4,
        min(since, _ACTION) / _ACTION,
    ]


def _of_patient(day: Day) -> list[float]:
    patient: Patient = day.patient
    return [
        patient.ratio / 25,
        patient.correction / 40,
        patient.daily / 70,
        1440 * patient.basal / patient.daily,
        patient.age / 70,
        float(day.patient.model.BW) / 100,
    ]


NAMES: Mapping[Split, Sequence[str]] = {
    "train": [f"{group}#{number:03d}" for group in ("adolescent", "adult", "child") for number in range(1, 7)],
    "validation": [f"{group}#{number:03d}" for group in ("adolescent", "adult", "child") for number in (7, 8)],
    "test": [f"{group}#{number:03d}" for group in ("adolescent", "adult", "child") for number in (9, 10)],
}

SYSTEMS: tuple[System, ...] = (
    System(
        name="treatment/insulin",
        about="insulin for virtual patients with type 1 diabetes, tested on patients that were not trained on",
        make=lambda split: Insulin(NAMES[split], split),
        rules=RULES,
        trusted="suspend",
        cost="risk",
        unit="of the glycemia risk index",
        extra=EXTRA,
        episodes=300,
    ),
)
