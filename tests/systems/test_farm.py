from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trimtab.errors import ControlError
from trimtab.systems import find
from trimtab.systems.contract import SystemContract
from trimtab.systems.farm.environment import NEBRASKA, PRICE_OF_GRAIN, PRICE_OF_WATER, SYSTEMS, TUNISIA, Maize
from trimtab.systems.farm.rules import DEPTHS, Calendar, SoilMoisture, move, rainfed
from trimtab.systems.farm.season import Season, Water, potential

pytest.importorskip("aquacrop")


class TestMaizeInNebraska(SystemContract):
    system = find("farm/maize-champion")


class TestMaizeInTunisia(SystemContract):
    system = find("farm/maize-tunis")
    steps = 5


def field(*, depletion: float = 0.0, available: float = 100.0, stage: int = 0, days: int = 0) -> Any:
    """Return what rules look at, without a simulator behind it."""
    return SimpleNamespace(season=SimpleNamespace(water=lambda: Water(depletion, available), stage=stage, days=days))


def test_the_soil_moisture_rule_waters_below_the_target_of_the_stage() -> None:
    rule = SoilMoisture(targets=(60, 50, 40, 0), most=40)
    # 41 % used up leaves 59 %: below the target of the first stage, above that of the second
    assert DEPTHS[rule(field(depletion=41, stage=0))(None)] == 40
    assert DEPTHS[rule(field(depletion=41, stage=1))(None)] == 0
    assert DEPTHS[rule(field(depletion=99, stage=3))(None)] == 0


def test_the_soil_moisture_rule_gives_no_more_than_is_missing() -> None:
    rule = SoilMoisture(targets=(60, 60, 60, 60), most=40)
    assert DEPTHS[rule(field(depletion=29, available=50))(None)] == 20
    assert DEPTHS[SoilMoisture((60,) * 4, most=20)(field(depletion=90))(None)] == 20


def test_the_calendar_waters_on_its_days_alone() -> None:
    act = [DEPTHS[Calendar(interval=6, depth=30)(field(days=day))(None)] for day in range(0, 14, 2)]
    assert act == [30, 0, 0, 30, 0, 0, 30]


def test_a_depth_is_rounded_down_to_one_that_may_be_given() -> None:
    assert [move(millimetres) for millimetres in (-3.0, 9.9, 10.0, 35.0, 400.0)] == [0, 0, 1, 3, 4]


def test_years_of_splits_do_not_overlap() -> None:
    assert sorted(year for seasons in NEBRASKA.values() for year in seasons.years) == list(range(1982, 2019))
    assert TUNISIA["test"].site not in (TUNISIA["train"].site, TUNISIA["validation"].site)


def test_less_rain_falls_where_it_is_drawn() -> None:
    measured, drier = (Season(NEBRASKA["train"].site, 1992, 70.0, rain) for rain in (1.0, 0.25))
    for season in (measured, drier):
        for _ in range(30):
            season.advance(0)
    assert measured.weather(30)[:, 2].sum() > 5
    assert drier.weather(30)[:, 2] == pytest.approx(0.25 * measured.weather(30)[:, 2])


def test_the_loss_is_what_is_missing_of_the_harvest_and_the_price_of_the_water() -> None:
    env = Maize(NEBRASKA["train"], "train")
    _, info = env.reset(seed=7)
    act, total, over = Calendar(20, 30)(env), dict.fromkeys(("loss", "water", "yield gap"), 0.0), False
    rewards = 0.0
    while not over:
        _, reward, over, _, told = env.step(act(None))
        rewards += reward
        total = {name: total[name] + cost for name, cost in told["costs"].items()}
    assert total["water"] == env.season.irrigation == sum(env.given)
    assert total["yield gap"] == pytest.approx(potential(env.seasons.site, info["year"]) - env.season.grain)
    assert total["loss"] == pytest.approx(PRICE_OF_GRAIN * total["yield gap"] + PRICE_OF_WATER * total["water"])
    assert rewards == pytest.approx(-total["loss"] / 200)


def test_a_crop_without_water_in_tunisia_dies_before_it_is_ripe() -> None:
    env = find("farm/maize-tunis").make("test")
    env.reset(seed=0)
    act, over, steps = rainfed(env), False, 0
    while not over:
        _, _, over, _, _ = env.step(act(None))
        steps += 1
    assert steps < 60
    assert env.season.state.crop_dead


@pytest.mark.parametrize("action", [5, -1, np.int64(9)])
def test_a_depth_that_is_none_is_refused(action: int) -> None:
    env = Maize(NEBRASKA["train"], "train")
    env.reset(seed=0)
    with pytest.raises(ControlError, match="action: expected an index into the depths"):
        env.step(action)


def test_it_draws_what_it_is_asked_to() -> None:
    with pytest.raises(ControlError, match="render_mode: expected None or 'rgb_array', got 'human'"):
        Maize(NEBRASKA["train"], "train", render_mode="human")
    env = Maize(NEBRASKA["train"], "train", render_mode="rgb_array")
    env.reset(seed=0)
    env.step(4)
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert Maize(NEBRASKA["train"], "train").render() is None


def test_all_are_listed() -> None:
    assert [system.name for system in SYSTEMS] == ["farm/maize-champion", "farm/maize-tunis"]
