from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import find
from trimtab.systems.building.engine import Run, SetPoints
from trimtab.systems.building.environment import (
    ENOUGH_AIR,
    KNOWN,
    OFFICE,
    PRICE_OF_DISCOMFORT,
    PRICE_OF_ELECTRICITY,
    PRICE_OF_GAS,
    PRICE_OF_STALE_AIR,
    UNSEEN,
    WEATHER,
    Office,
)
from trimtab.systems.building.model import text
from trimtab.systems.building.rules import COOLING, FRESH, HEATING, Setback, move, schedule
from trimtab.systems.contract import SystemContract

pytest.importorskip("pyenergyplus")


class TestOffice(SystemContract):
    system = find("building/office")
    steps = 30


def at(hour: int) -> Any:
    """Return what rules look at, at ``hour`` of the week, without a simulator behind it."""
    return SimpleNamespace(share_in=lambda hours: OFFICE.share_in(hour + hours))


def told(rule: Setback, hour: int) -> tuple[float, float]:
    heating, cooling, _ = rule(at(hour))(None)
    return HEATING[heating], COOLING[cooling]


def test_the_setback_makes_ready_for_people_before_they_come() -> None:
    rule = Setback(heating_in=20, heating_out=15, cooling_in=26, cooling_out=30, lead=2, share=0.1)
    # on Mondays the first tenth comes at 6, and from 20 on there is but a twentieth
    assert [told(rule, hour)[0] for hour in (3, 4, 6, 19, 20)] == [15, 20, 20, 20, 15]
    assert told(rule, 12) == (20, 26)
    assert told(rule, 6 * 24 + 12) == (15, 30)


def test_the_setback_counts_people_from_its_share_on() -> None:
    rule = Setback(heating_in=21, heating_out=17, cooling_in=25, cooling_out=28, lead=0, share=0.3)
    assert [told(rule, hour) for hour in (7, 8, 17, 18)] == [(17, 28), (21, 25), (21, 25), (17, 28)]


def test_the_setback_airs_while_enough_people_are_in() -> None:
    rule = Setback(20, 15, 26, 30, lead=2, share=0.1, fresh=0.6, fresh_from=0.2)
    shares = [FRESH[rule(at(hour))(None)[2]] for hour in (5, 6, 7, 12, 17, 18)]
    assert shares == [0, 0, 0.6, 0.6, 0.6, 0]


def test_the_schedule_leaves_all_to_the_building() -> None:
    assert schedule(at(0))(None) is None


def test_heating_never_is_above_cooling() -> None:
    assert max(HEATING) < min(COOLING)


def test_cities_and_weeks_of_splits_do_not_overlap() -> None:
    assert not set(KNOWN) & set(UNSEEN)
    assert not set(WEATHER["train"].weeks) & set(WEATHER["validation"].weeks)
    assert WEATHER["test"].cities == UNSEEN


def test_the_model_runs_the_days_that_are_asked_for() -> None:
    model = text(OFFICE, first_day=29, days=7)
    fields = {
        line.split("!- ")[1]: line.split(",")[0].strip() for line in model.splitlines() if "!- " in line and "Month" in line
    }
    assert (fields["Begin Month"], fields["Begin Day of Month"]) == ("1", "29")
    assert (fields["End Month"], fields["End Day of Month"]) == ("2", "4")


def test_the_calendar_of_people_is_that_of_the_building_and_costs_are_of_those_who_are_in() -> None:
    env = Office(OFFICE, WEATHER["train"], "train")
    try:
        env.reset(seed=0)
        for hour in range(1, 33):
            _, reward, _, _, info = env.step(None)
            costs, reading = info["costs"], env.reading
            assert reading.share_in == pytest.approx(OFFICE.share_in(hour))
            outside = np.maximum(20 - reading.course, 0) + np.maximum(reading.course - 26, 0)
            assert costs["discomfort"] == pytest.approx(outside.mean() * OFFICE.share_in(hour - 1) * OFFICE.people)
            energy = PRICE_OF_ELECTRICITY * reading.electricity + PRICE_OF_GAS * reading.gas
            halvings = np.log2(np.maximum(reading.stale, ENOUGH_AIR) / ENOUGH_AIR).mean()
            assert costs["stale air"] == pytest.approx(halvings * OFFICE.share_in(hour - 1) * OFFICE.people)
            lost = PRICE_OF_DISCOMFORT * costs["discomfort"] + PRICE_OF_STALE_AIR * costs["stale air"]
            assert costs["cost"] == pytest.approx(energy + lost)
            assert reward == pytest.approx(-costs["cost"] / 5)
    finally:
        env.close()


def test_warmth_that_is_asked_for_comes_and_takes_energy() -> None:
    """A week of January in Chicago: the office is as warm as it is told to be, and that is not for nothing."""
    gas, warmth = list[float](), list[float]()
    for heating in (15.0, 22.0):
        run = Run(OFFICE, "Chicago", first_day=8, days=1)
        run.start()
        readings = [run.advance(SetPoints(heating, 30.0, 1.0)) for _ in range(18)]
        run.close()
        gas.append(sum(reading.gas for reading in readings))
        warmth.append(float(readings[-1].zones.mean()))
    assert gas[1] > 1.5 * gas[0]
    assert warmth[1] == pytest.approx(22, abs=0.5)
    assert warmth[0] < 19


def test_air_grows_stale_where_none_is_brought_in_and_no_staler_than_people_can_make_it() -> None:
    """A working day in Denver: the CO2 of those who are in, in the air of 511 m² and some 3 m of height."""
    stale, fans = list[float](), list[float]()
    for fresh in (0.0, 1.0):
        run = Run(OFFICE, "Denver", first_day=8, days=1)
        run.start()
        readings = [run.advance(SetPoints(20.0, 26.0, fresh)) for _ in range(17)]
        run.close()
        stale.append(float(readings[-1].stale.mean()))
        fans.append(sum(reading.electricity for reading in readings))
    # 3.82e-8 m³/s for each of 120 W, less what leaks out
    hours = sum(OFFICE.share_in(hour) for hour in range(17)) * OFFICE.people
    assert ENOUGH_AIR < stale[0] < hours * 3600 * 3.82e-8 * 120 / (511 * 3.05) * 1e6
    assert stale[1] < ENOUGH_AIR
    assert fans[1] > 1.5 * fans[0]


def test_a_run_that_is_closed_leaves_no_thread_and_two_do_not_mix() -> None:
    before = threading.active_count()
    cold, warm = (Run(OFFICE, city, first_day=8, days=1) for city in ("Chicago", "Miami"))
    first, second = cold.start(), warm.start()
    assert second.outdoor > first.outdoor + 10
    cold.close()
    assert warm.advance(None).outdoor > 5
    warm.close()
    warm.close()
    assert threading.active_count() == before


def test_a_city_without_weather_is_an_error_and_does_not_hang() -> None:
    run = Run(OFFICE, "Atlantis", first_day=1, days=1)
    with pytest.raises(ControlError, match=r"EnergyPlus ended with code -1 in Atlantis"):
        run.start()
    run.close()


@pytest.mark.parametrize("action", [[7, 0, 0], [0, -1, 0], [0, 0, 4], [0, 0], 3])
def test_set_points_that_are_none_are_refused(action: Any) -> None:
    env = Office(OFFICE, WEATHER["train"], "train")
    env.run = Run(OFFICE, "Chicago", first_day=1, days=1)
    with pytest.raises(ControlError, match="action: expected None or three indices, below 7, 7, 4"):
        env.step(action)


def test_a_step_needs_a_reset() -> None:
    with pytest.raises(ControlError, match="step: expected a reset before it"):
        Office(OFFICE, WEATHER["train"], "train").step(None)


def test_it_draws_what_it_is_asked_to() -> None:
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Office(OFFICE, WEATHER["train"], "train", render_mode="human")
    env = Office(OFFICE, WEATHER["train"], "train", render_mode="rgb_array")
    try:
        env.reset(seed=0)
        env.step(move(21, 25, 0.6))
        picture = env.render()
    finally:
        env.close()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert env.reading.set_points == SetPoints(21, 25, 0.6)
