"""A run of EnergyPlus that waits every hour for set points.

EnergyPlus calls back and cannot be stepped, so it runs in a thread of its own. Two queues hold it and the caller together:
one thing goes through each of them an hour, and nobody waits for ever.
"""

from __future__ import annotations

import atexit
import tempfile
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import numpy as np

from trimtab.errors import ControlError
from trimtab.systems.building.model import EXTRA, OUTDOOR_CO2, STEPS_AN_HOUR, Building, text, weather
from trimtab.systems.system import simulator

PATIENCE = 120.0
"""Seconds to wait for EnergyPlus before it is taken to hang; an hour of a building takes some milliseconds."""
_JOULES = 3.6e6
"""In a kilowatt-hour."""
_RUN_PERIOD = 3
"""The kind of simulation that is not a sizing."""
_OF_ALL = 8
"""Values that are read of the whole building; those of its zones follow."""


@dataclass(frozen=True, slots=True)
class SetPoints:
    """Degrees Celsius that are heated up to and cooled down to, and a share of the ``fresh`` air that the building is made for.

    With any fresh air the fans run all the time; with none they run only where a zone is a degree off its set point.
    """

    heating: float
    cooling: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What is measured at the end of an hour, and over it.

    ``zones``: air temperatures, °C, shape (zones,). ``course``: the same at each step of the hour, shape (steps, zones).
    ``outdoor``: °C. ``sun``: W/m². ``share_in``: of people, in the hour that now begins. ``electricity``, ``gas``: kWh for
    heating, cooling and fans. ``set_points``: those in force. ``stale``: parts per million of CO2 above that outdoors, like
    ``course``.
    """

    zones: np.ndarray
    course: np.ndarray
    outdoor: float
    sun: float
    share_in: float
    electricity: float
    gas: float
    set_points: SetPoints
    stale: np.ndarray


@dataclass(frozen=True, slots=True)
class _Stop:
    """Told to the thread: end the run."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """Told by the thread: the run has ended, with what EnergyPlus returned, or with an error of ours."""

    code: int
    error: BaseException | None = None


class Run:
    """A building in a city from a day of the year on. ``close`` it, whether it is over or not."""

    def __init__(self, building: Building, city: str, *, first_day: int, days: int) -> None:
        self.building, self.city, self.first_day, self.days = building, city, first_day, days
        self._told: Queue[SetPoints | _Stop | None] = Queue()
        self._seen: Queue[Reading | _Ended] = Queue()
        self._thread: Thread | None = None

    def start(self) -> Reading:
        """Begin, and return what is measured before the first hour."""
        self._thread = Thread(target=self._live, name="energyplus", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # else the folder of a run that nobody closes stays
        return self._next()

    def advance(self, set_points: SetPoints | None) -> Reading:
        """Let an hour pass with ``set_points``; None leaves them to the building's own schedule."""
        self._told.put(set_points)
        return self._next()

    def close(self) -> None:
        """End the run and wait until the thread has."""
        if self._thread is not None:
            self._told.put(_Stop())
            self._thread.join(PATIENCE)
            self._thread = None
            atexit.unregister(self.close)

    def _next(self) -> Reading:
        try:
            found = self._seen.get(timeout=PATIENCE)
        except Empty:
            raise ControlError(f"EnergyPlus gave no answer in {PATIENCE:.0f} seconds ({self.city})") from None
        if isinstance(found, Reading):
            return found
        raise ControlError(f"EnergyPlus ended with code {found.code} in {self.city}, day {self.first_day}") from found.error

    def _live(self) -> None:
        """Run EnergyPlus from its beginning to its end; this is the thread."""
        try:
            with tempfile.TemporaryDirectory(prefix="trimtab-energyplus-", ignore_cleanup_errors=True) as folder:
                self._seen.put(_Ended(_simulate(self, Path(folder))))
        except BaseException as error:  # noqa: BLE001  # whatever happens here has to come out in the caller's thread
            self._seen.put(_Ended(-1, error))

    def exchange(self, reading: Reading, *, last: bool) -> SetPoints | _Stop | None:
        """Show a reading to the caller and return what is told, in the thread."""
        self._seen.put(reading)
        return _Stop() if last else self._told.get()


def _simulate(run: Run, folder: Path) -> int:
    api = simulator("pyenergyplus.api", extra=EXTRA).EnergyPlusAPI()
    model = folder / "in.idf"
    model.write_text(text(run.building, first_day=run.first_day, days=run.days), encoding="latin-1")
    state = api.state_manager.new_state()
    try:
        api.runtime.set_console_output_status(state, False)
        gauges = _Gauges(api.exchange, state, run.building)
        hours = _Hours(run, api, gauges)
        api.runtime.callback_begin_zone_timestep_after_init_heat_balance(state, hours.begin)
        api.runtime.callback_end_zone_timestep_after_zone_reporting(state, hours.end)
        code = int(api.runtime.run_energyplus(state, ["-w", str(weather(run.city)), "-d", str(folder), str(model)]))
        if hours.error is not None:
            raise hours.error
        return code
    finally:
        api.state_manager.delete_state(state)


class _Gauges:
    """The handles by which EnergyPlus is read and set."""

    def __init__(self, exchange: Any, state: Any, building: Building) -> None:
        self.exchange, self.building = exchange, building
        self.names = [
            ("Site Outdoor Air Drybulb Temperature", "Environment"),
            ("Site Diffuse Solar Radiation Rate per Area", "Environment"),
            ("Site Direct Solar Radiation Rate per Area", "Environment"),
            ("Schedule Value", building.occupancy),
            ("Schedule Value", building.heating),
            ("Schedule Value", building.cooling),
            ("Schedule Value", building.fans),
            ("Schedule Value", building.fresh),
            *(("Zone Mean Air Temperature", zone) for zone in building.zones),
            *(("Zone Air CO2 Concentration", zone) for zone in building.zones),
        ]
        self.values: list[int] = []
        for name, key in self.names:
            exchange.request_variable(state, name, key)

    def ready(self, state: Any) -> bool:
        """Whether the days that count have begun and all can be read."""
        if not self.exchange.api_data_fully_ready(state):
            return False
        if not self.values:
            self._find(state)
        return self.exchange.kind_of_sim(state) == _RUN_PERIOD and not self.exchange.warmup_flag(state)

    def read(self, state: Any) -> np.ndarray:
        """Return the values of ``names``, shape (names,)."""
        return np.array([self.exchange.get_variable_value(state, handle) for handle in self.values])

    def energy(self, state: Any) -> np.ndarray:
        """Return electricity and gas of the last step, in kWh, shape (2,)."""
        return np.array([self.exchange.get_meter_value(state, meter) / _JOULES for meter in self.meters])

    def set(self, state: Any, set_points: SetPoints | None) -> None:
        """Put ``set_points`` in the place of the schedules, or the schedules back in theirs."""
        values = (None,) * len(self.knobs) if set_points is None else _values(set_points)
        for handle, value in zip(self.knobs, values, strict=True):
            if value is None:
                self.exchange.reset_actuator(state, handle)
            else:
                self.exchange.set_actuator_value(state, handle, value)

    def _find(self, state: Any) -> None:
        self.values = [self.exchange.get_variable_handle(state, name, key) for name, key in self.names]
        self.meters = [self.exchange.get_meter_handle(state, name) for name in ("Electricity:HVAC", "Heating:NaturalGas")]
        names = (self.building.heating, self.building.cooling, self.building.fans, self.building.fresh)
        self.knobs = [self.exchange.get_actuator_handle(state, "Schedule:Compact", "Schedule Value", name) for name in names]
        if min(*self.values, *self.meters, *self.knobs) < 0:
            raise ControlError(f"EnergyPlus does not know all of {self.names}, meters and schedules {names}")


class _Hours:
    """Gathers the steps of an hour, and stops between two hours. EnergyPlus calls it, so nothing may be raised."""

    def __init__(self, run: Run, api: Any, gauges: _Gauges) -> None:
        self.run, self.api, self.gauges = run, api, gauges
        self.error: BaseException | None = None
        self.hours, self.energy, self.course = 0, np.zeros(2), list[np.ndarray]()

    def begin(self, state: Any) -> None:
        """Show what there is and take the next set points, if an hour begins."""
        self._guarded(state, self._begin)

    def end(self, state: Any) -> None:
        """Add up a step; after the last one of all show what there is, as no hour begins then."""
        self._guarded(state, self._end)

    def _begin(self, state: Any) -> None:
        if len(self.course) % STEPS_AN_HOUR == 0:
            self._exchange(state, last=False)

    def _end(self, state: Any) -> None:
        self.energy += self.gauges.energy(state)
        self.course.append(self.gauges.read(state)[_OF_ALL:])
        if len(self.course) == STEPS_AN_HOUR:
            self.hours += 1
            if self.hours == 24 * self.run.days:
                self._exchange(state, last=True)

    def _exchange(self, state: Any, *, last: bool) -> None:
        told = self.run.exchange(self._reading(state), last=last)
        self.energy, self.course = np.zeros(2), []
        if not isinstance(told, _Stop):
            self.gauges.set(state, told)
        elif not last:
            self.api.runtime.stop_simulation(state)

    def _reading(self, state: Any) -> Reading:
        values = self.gauges.read(state)
        outdoor, diffuse, direct, share_in, heating, cooling, fans, fresh = values[:_OF_ALL].tolist()
        course, stale = np.hsplit(np.array(self.course or [values[_OF_ALL:]]), 2)
        electricity, gas = self.energy.tolist()
        sun = diffuse + 0.5 * direct
        in_force = SetPoints(heating, cooling, fresh if fans else 0.0)
        zones = values[_OF_ALL:][: course.shape[1]]
        return Reading(zones, course, outdoor, sun, share_in, electricity, gas, in_force, stale - OUTDOOR_CO2)

    def _guarded(self, state: Any, act: Any) -> None:
        if self.error is not None:
            return
        try:
            if self.gauges.ready(state):
                act(state)
        except BaseException as error:  # noqa: BLE001  # it would be lost in C; _simulate raises it
            self.error = error
            self.api.runtime.stop_simulation(state)


def _values(set_points: SetPoints) -> tuple[float, float, float, float]:
    return set_points.heating, set_points.cooling, float(set_points.fresh > 0), set_points.fresh
