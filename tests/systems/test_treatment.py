"""Insulin for virtual patients: the same days as simglucose's own, its own controller, and what pumps do."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import SystemContract, find

if importlib.util.find_spec("simglucose") is None:
    pytest.skip("needs simglucose", allow_module_level=True)

from trimtab.systems.treatment import Insulin
from trimtab.systems.treatment.day import MINUTES, Day, controller_bolus, meals, patients
from trimtab.systems.treatment.environment import NAMES, on_board, weights
from trimtab.systems.treatment.rules import BASAL, BOLUS, basal_bolus, forecast, hybrid, move, suspend
from trimtab.systems.treatment.simulator import home, part


class TestInsulin(SystemContract):
    system = find("treatment/insulin")
    steps = 12


@pytest.fixture
def env():
    made = Insulin(["adult#001"], "train")
    made.reset(seed=0)
    return made


def test_a_day_is_that_of_simglucose_itself():
    import pandas as pd

    model, seed = part("patient.t1dpatient"), 5
    day = Day(patients()["adolescent#001"], seed)
    # simglucose's own way to a patient: a row of its table
    row = pd.read_csv(home() / "params" / "vpatient_params.csv").iloc[0]
    body, pump = model.T1DPatient(row), part("actuator.pump").InsulinPump.withName("Insulet")
    sensor = part("sensor.cgm").CGMSensor.withName("Dexcom", seed=seed)
    reading, expected = sensor.measure(body), []
    basal = row.u2ss * row.BW / 6000
    until = 10 * 60
    for minute in range(until):
        grams = sum(meal.grams for meal in day.meals if meal.minute == minute)
        bolus = controller_bolus("adolescent#001", grams, reading) if grams else 0.0
        body.step(model.Action(CHO=grams, insulin=pump.basal(basal) + pump.bolus(bolus)))
        expected.append(body.observation.Gsub)
        reading = sensor.measure(body)
    day.advance(until, 1.0, 1.0)
    assert any(meal.minute < until for meal in day.meals)
    assert day.glucose == expected
    assert day.readings[-1] == reading


def test_the_bolus_is_that_of_the_basal_bolus_controller():
    ratio, correction = patients()["adult#001"].ratio, patients()["adult#001"].correction
    assert controller_bolus("adult#001", 60.0, 120.0) == pytest.approx(60 / ratio)
    assert controller_bolus("adult#001", 60.0, 200.0) == pytest.approx(60 / ratio + (200 - 140) / correction)


def test_meals_are_the_same_for_a_seed_and_lie_in_the_day():
    assert meals(3) == meals(3) != meals(4)
    assert all(0 <= meal.minute < MINUTES and meal.grams > 0 for seed in range(20) for meal in meals(seed))


def test_meals_are_announced_a_decision_before(env):
    meal = env.day.meals[0]
    env.day.advance(meal.minute - meal.minute % 15, 1.0, 1.0)
    assert env.day.coming(15) == meal.grams
    assert env._info({})["action_mask"][1].all()
    env.day.advance(15, 1.0, 1.0)
    assert env.day.boluses[0][0] == meal.minute
    if not env.day.coming(15):
        assert env._info({})["action_mask"][1].tolist() == [factor == 1.0 for factor in BOLUS]


def test_more_insulin_lowers_glucose_and_none_raises_it():
    courses = []
    for basal in (0.0, 1.0, 2.5):
        day = Day(patients()["adult#001"], 1)
        day.advance(240, basal, 1.0)
        courses.append(day.glucose[-1])
    assert courses[0] > courses[1] + 5
    assert courses[1] > courses[2] + 5


def test_the_index_weighs_lows_and_highs_as_published():
    assert weights(np.array([40.0, 60.0, 100.0, 200.0, 300.0])).tolist() == [3.0, 2.4, 0.0, 0.8, 1.6]


def test_costs_are_percents_of_the_day(env):
    env.day.glucose = [60.0] * 144 + [300.0] * 144
    assert env._costs(0) == pytest.approx({"risk": 24 + 16, "out of range": 20, "below 70": 10})
    env.day.glucose = [*env.day.glucose, 5.0]
    assert env._costs(288)["risk"] == pytest.approx(3 * 80)


def pump(readings: list[float]) -> SimpleNamespace:
    return SimpleNamespace(day=SimpleNamespace(readings=readings))


def falling(first: float, slope: float) -> list[float]:
    """Return readings a minute, held for three as the sensor does, that fall by ``slope`` mg/dL a minute."""
    return [first - slope * (minute - minute % 3) for minute in range(31)]


def test_a_forecast_goes_on_as_the_last_readings():
    assert forecast(falling(200.0, 1.0)) == pytest.approx(170 - 30)
    assert forecast([120.0]) == 120


def test_a_pump_stops_before_a_low_and_not_else():
    assert BASAL[suspend(pump(falling(135.0, 1.0)))(None)[0]] == 0.0
    assert BASAL[suspend(pump(falling(141.0, 1.0)))(None)[0]] == 1.0
    assert BASAL[suspend(pump([65.0] * 31))(None)[0]] == 0.0
    assert BASAL[basal_bolus(pump([65.0] * 31))(None)[0]] == 1.0


def test_a_pump_that_adapts_gives_less_below_and_more_above():
    factors = [BASAL[hybrid(pump([level] * 31))(None)[0]] for level in (60.0, 91.25, 130.0, 220.0, 400.0)]
    assert factors == [0.0, 0.5, 1.0, 2.5, 4.0]


def test_insulin_on_board_is_what_was_given_above_the_usual():
    day = Day(patients()["adult#001"], 1)
    day.advance(30, 1.0, 1.0)
    assert on_board(day) == pytest.approx(0, abs=0.02)
    day.insulin[-1] += 6.0
    assert on_board(day) == pytest.approx(6.0, abs=0.02)
    day.insulin += [day.patient.basal] * 150
    assert on_board(day) == pytest.approx(3.0, abs=0.05)


def test_patients_of_splits_differ_and_are_all_there():
    names = [name for split in NAMES for name in NAMES[split]]
    assert sorted(names) == sorted(patients())


@pytest.mark.parametrize("action", [[8, 0], [0, 5], [-1, 0], [0]])
def test_factors_that_are_none_are_refused(env, action):
    with pytest.raises(ControlError, match="action: expected two indices, below 8 and below 5"):
        env.step(np.array(action))


def test_moves_are_the_nearest():
    assert move(1.1).tolist() == [3, 2]
    assert move(9.0, 0.5).tolist() == [7, 0]


def test_it_draws_what_it_is_asked_to():
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Insulin(["adult#001"], "train", render_mode="human")
    env = Insulin(["adult#001"], "train", render_mode="rgb_array")
    env.reset(seed=0)
    env.step(move(1.0))
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
