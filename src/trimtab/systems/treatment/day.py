"""A day of a virtual patient: glucose, meals, the sensor and the pump, all as simglucose has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from trimtab.systems.treatment.simulator import home, part

MINUTES = 24 * 60
"""Of a day, which begins at midnight."""
SAMPLE = 3
"""Minutes between two readings of the sensor."""
LOWEST, HIGHEST = 10.0, 600.0
"""mg/dL beyond which simglucose ends a day."""
_SENSOR, _PUMP = "Dexcom", "Insulet"


@dataclass(frozen=True, slots=True)
class Patient:
    """A virtual patient of the UVa/Padova simulator.

    ``model``: parameters by name. ``state``: at rest, shape (13,). ``basal``: U/min that keeps it so. ``ratio``: grams of
    carbohydrate for a unit. ``correction``: mg/dL for a unit. ``daily``: units a day. ``age``: years.
    """

    name: str
    model: SimpleNamespace
    state: np.ndarray
    basal: float
    ratio: float
    correction: float
    daily: float
    age: float


@dataclass(frozen=True, slots=True)
class Meal:
    """``grams`` of carbohydrate, from ``minute`` of the day on."""

    minute: int
    grams: float


class Day:
    """The day of ``seed`` of ``patient``. Logs have an entry a minute: mg/dL, U, and what the sensor last read."""

    def __init__(self, patient: Patient, seed: int) -> None:
        self.patient = patient
        self.meals = meals(seed)
        self.glucose: list[float] = []
        self.insulin: list[float] = []
        self.boluses: list[tuple[int, float]] = []
        self._body = part("patient.t1dpatient").T1DPatient(patient.model, init_state=patient.state.copy())
        self._sensor = part("sensor.cgm").CGMSensor.withName(_SENSOR, seed=seed)
        self._pump = part("actuator.pump").InsulinPump.withName(_PUMP)
        self.readings: list[float] = [self._sensor.measure(self._body)]

    @property
    def minute(self) -> int:
        """Minutes that are over."""
        return len(self.glucose)

    @property
    def over(self) -> bool:
        """Whether the day is, or the patient is where simglucose stops."""
        return self.minute >= MINUTES or self.lost

    @property
    def lost(self) -> bool:
        """Whether glucose left the range in which simglucose goes on."""
        return bool(self.glucose) and not LOWEST <= self.glucose[-1] <= HIGHEST

    def coming(self, minutes: int) -> float:
        """Return the grams that are eaten from within so many minutes on: meals are announced."""
        return sum(meal.grams for meal in self.meals if self.minute <= meal.minute < self.minute + minutes)

    def advance(self, minutes: int, basal: float, bolus: float) -> None:
        """Let ``minutes`` pass. ``basal``: times the patient's own rate. ``bolus``: times that of the controller."""
        for _ in range(minutes):
            if self.over:
                return
            grams = sum(meal.grams for meal in self.meals if meal.minute == self.minute)
            units = bolus * controller_bolus(self.patient.name, grams, self.readings[-1]) if grams else 0.0
            if units:
                self.boluses.append((self.minute, units))
            given = self._pump.basal(basal * self.patient.basal) + self._pump.bolus(units)
            self._body.step(part("patient.t1dpatient").Action(CHO=grams, insulin=given))
            self.insulin.append(given)
            self.glucose.append(float(self._body.observation.Gsub))
            self.readings.append(float(self._sensor.measure(self._body)))


def controller_bolus(name: str, grams: float, reading: float) -> float:
    """Return the units that simglucose's basal-bolus controller gives with a meal: ``BBController``, at its own target."""
    told = _controller().policy(SimpleNamespace(CGM=reading), 0.0, False, sample_time=1, patient_name=name, meal=grams)
    return float(told.bolus)


@cache
def _controller() -> Any:
    return part("controller.basal_bolus_ctrller").BBController()


def meals(seed: int) -> tuple[Meal, ...]:
    """Return what is eaten on the day of ``seed``: three meals and snacks, by simglucose's ``RandomScenario``."""
    scenario = part("simulation.scenario_gen").RandomScenario(start_time=datetime(2000, 1, 1), seed=seed)  # noqa: DTZ001
    told = scenario.scenario["meal"]
    found = [Meal(int(minute), float(grams)) for minute, grams in zip(told["time"], told["amount"], strict=True) if grams > 0]
    return tuple(sorted(found, key=lambda meal: meal.minute))


@cache
def patients() -> dict[str, Patient]:
    """Return the thirty patients by name: "adolescent#001" to "child#010"."""
    import pandas as pd

    found = dict[str, Patient]()
    asked: Any = pd.read_csv(home() / "params" / "Quest.csv").set_index("Name")
    table: Any = pd.read_csv(home() / "params" / "vpatient_params.csv")
    for _, row in table.iterrows():
        name, told = str(row["Name"]), asked.loc[row["Name"]]
        # simglucose reads parameters one by one, which takes ten times as long from a row of pandas
        model = SimpleNamespace(**{str(key): value for key, value in row.items()})
        basal = float(model.u2ss * model.BW / 6000)
        state = row.iloc[2:15].to_numpy(dtype=float)
        found[name] = Patient(name, model, state, basal, float(told.CR), float(told.CF), float(told.TDI), float(told.Age))
    return found
