"""How studies are charged, kept and compared."""

import math

import numpy as np
import pytest
import torch

from benchmarks.study_suite import picture, regret, sooner
from benchmarks.study_suite.meter import BudgetUsedError, Meter, Outcome, Shipped
from benchmarks.study_suite.problems import HORIZON, PROBLEMS
from benchmarks.study_suite.results import Key, Results
from benchmarks.study_suite.space import CHOICES, DEFAULT, NUMBERS, drawn, from_unit
from benchmarks.study_suite.static import SCHEDULES, Training, factor
from benchmarks.study_suite.versions import beside

CANCER = PROBLEMS["cancer"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_training_resumed_by_the_segment_is_the_training() -> None:
    whole, halting = Training(CANCER, DEFAULT, 3), Training(CANCER, DEFAULT, 3)
    losses = [whole.advance() for _ in range(6)]
    again = [halting.advance() for _ in range(3)]
    halting = halting.copy()
    again += [halting.advance() for _ in range(3)]
    assert losses == again
    assert losses[-1] < losses[0]


def test_a_copy_goes_its_own_way_under_other_settings() -> None:
    one = Training(CANCER, DEFAULT, 3)
    one.advance()
    other = one.copy()
    other.change({"lr": 0.03, "dropout": 0.5, "weight_decay": 0.1})
    assert one.advance() != other.advance()
    assert one.settings["lr"] == DEFAULT["lr"]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_stay_between_zero_and_one(schedule: str) -> None:
    rates = [factor(schedule, progress) for progress in np.linspace(0, 1, 200)]
    assert min(rates) >= -1e-12
    assert max(rates) <= 1 + 1e-12


def test_settings_stay_in_the_space() -> None:
    rng = np.random.default_rng(0)
    for settings in [*(drawn(rng) for _ in range(200)), *(from_unit(rng.random(9)) for _ in range(200)), DEFAULT]:
        assert all(NUMBERS[name].low <= settings[name] <= NUMBERS[name].high for name in NUMBERS)
        assert all(settings[name] in CHOICES[name] for name in CHOICES)


def test_a_meter_stops_at_the_budget_and_ships_the_best_at_every_mark() -> None:
    meter = Meter(CANCER, 2.0, marks=(1, 2))
    seen = [
        meter.advance(training) for training in (Training(CANCER, DEFAULT, seed) for seed in (0, 1)) for _ in range(HORIZON)
    ]
    with pytest.raises(BudgetUsedError):
        meter.advance(Training(CANCER, DEFAULT, 2))
    assert meter.spent == pytest.approx(2.0)
    first, second = meter.outcome.shipped
    assert (first.mark, first.validation) == (1, min(seen[:HORIZON]))
    assert (second.mark, second.validation) == (2, min(seen))
    assert math.isfinite(second.test)
    assert second.accuracy is not None


def test_the_splits_of_a_problem_are_apart() -> None:
    data = CANCER.data()
    rows = [set(map(tuple, part.x.flatten(1).tolist())) for part in (data.train, data.validation, data.test)]
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]


def test_outcomes_are_read_as_they_were_written_and_a_torn_line_is_left_out(tmp_path) -> None:
    held, key = Results(tmp_path), Key("random", "cancer", 0, 3.0)
    outcome = Outcome([Shipped(1, 0.5, 0.6, None, 1.0, {"lr": 0.1})], [(0.5, 0.7), (1.0, 0.5)], 3, 2.0, {"reuse": 0.5})
    held.add(key, outcome)
    with (tmp_path / "random.jsonl").open("a") as opened:
        opened.write('\n{"method": "random", "prob')
    again = Results(tmp_path)
    assert dict(again) == {key: outcome}
    again.add(Key("random", "cancer", 1, 3.0), outcome)
    assert len(dict(Results(tmp_path))) == 2


def losses(**by_method: list[float]) -> dict[tuple[str, str, int], float]:
    return {(method, "p", seed): loss for method, row in by_method.items() for seed, loss in enumerate(row)}


def test_regret_is_zero_for_the_best_and_one_for_what_one_would_take_without_tuning() -> None:
    table = regret.Table(losses(good=[1.0, 1.0], bad=[4.0, math.nan]), {"p": 3.0}, {"p": 1.0})
    assert table.regrets("good", ["p"], [0, 1]).tolist() == [[0.0, 0.0]]
    assert table.regrets("bad", ["p"], [0, 1]).tolist() == [[1.5, regret.WORST]]
    assert table.regrets("bad", ["p"], [0, 1, 2]) is None


def test_a_method_that_plans_counts_only_at_its_own_budget(tmp_path) -> None:
    held = Results(tmp_path)
    shipped = [Shipped(1, 0.5, 9.0, None, 1.0, {}), Shipped(3, 0.5, 0.6, None, 1.0, {})]
    for method in ("top-3", "random", "default"):
        held.add(Key(method, "cancer", 0, 3.0 if method != "default" else 1.0), Outcome(shipped))
    table = regret.table(held, 1, marks=(1, 3), version="")
    assert ("random", "cancer", 0) in table.losses
    assert ("top-3", "cancer", 0) not in table.losses
    assert table.best["cancer"] == 0.6


def test_an_estimate_holds_the_middle_half_and_intervals_around_it() -> None:
    rng = np.random.default_rng(0)
    found = regret.estimate(rng.normal(0.5, 0.1, (8, 10)))
    assert found.over_seeds[0] < found.value < found.over_seeds[1]
    assert found.over_problems[0] < found.value < found.over_problems[1]
    assert regret.middle(np.array([0.0, 1.0, 1.0, 50.0])) == 1.0


def test_the_budget_factor_is_of_the_worse_of_two_ends() -> None:
    quick, slow = Outcome(trace=[(0.5, 0.9), (1.0, 0.4), (8.0, 0.2)]), Outcome(trace=[(1.0, 0.8), (6.0, 0.4)])
    assert sooner.factor(quick, slow) == 6.0
    assert sooner.factor(slow, quick) == pytest.approx(1 / 6)
    assert math.isnan(sooner.factor(quick, Outcome()))
    assert sooner.factors({("a", 0): quick, ("b", 0): quick}, {("a", 0): slow, ("c", 0): slow}) == [6.0]
    assert sooner.summary([2.0, 2.0, 2.0]) == pytest.approx((2.0, 2.0, 2.0))


def test_any_time_curves_fall_and_are_drawn(tmp_path) -> None:
    results = Results(tmp_path)
    for method, version, trace in (("trimtab", "v", [(0.5, 0.9), (1.0, 0.3)]), ("random", "", [(0.6, 0.8), (2.0, 0.4)])):
        results.add(Key(method, "cancer", 0, 3.0, version), Outcome(trace=trace))
    held = sooner.by_place(results, "trimtab", "v", 3.0)
    curve = sooner.curve(held, np.array([0.1, 0.5, 1.0]), {"cancer": 0.3})
    assert np.isnan(curve[0])
    assert curve[1:].tolist() == pytest.approx([3.0, 1.0])
    picture.draw(results, ("trimtab", "random"), "v", 3.0, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_two_states_are_compared_in_the_studies_that_both_have_made() -> None:
    new, old = (
        {("a", 0): shipped(validation, 0.5), ("b", 1): shipped(0.4, test), place: shipped(9.0, 9.0)}
        for validation, test, place in ((0.2, 0.6, ("c", 0)), (0.4, 0.3, ("d", 0)))
    )
    lines = {line.name: line for line in beside(new, old, "v")}
    assert lines["validation loss over that of v, median"].value == pytest.approx(math.sqrt(0.5))
    assert lines["test loss over that of v, mean"].value == pytest.approx(math.sqrt(2.0))
    assert lines["validation loss over that of v: share lower, of 2"].value == 0.5
    assert lines["test loss over that of v: share lower, of 2"].value == 0.0
    assert beside(new, {}, "v") == []


def shipped(validation: float, test: float) -> Outcome:
    return Outcome(shipped=[Shipped(10, validation, test, None, 1.0, {})])
