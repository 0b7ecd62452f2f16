"""What a run on its way comes to."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trimtab.search import archive
from trimtab.search.forecast import FEATURES, Forecast, describe
from trimtab.search.pretraining import learn_habits, learn_starts, read

LEARNED = archive.shipped()[1]


def falling(rate: float, horizon: int = 27) -> list[float]:
    return [-rate * (1 - math.exp(-4 * depth / horizon)) for depth in range(1, horizon + 1)]


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=30), st.integers(30, 300))
def test_a_description_is_finite_and_nothing_is_left_to_say_at_the_end(errors: list[float], horizon: int) -> None:
    assert np.isfinite(describe(1.0, errors, horizon)).all()
    assert not describe(1.0, errors, len(errors)).any()
    assert describe(1.0, errors, horizon).shape == (FEATURES,)


def test_runs_that_fall_faster_are_expected_to_fall_further() -> None:
    forecast = Forecast(LEARNED)
    slow, fast = (describe(0.0, falling(rate)[:9], 27) for rate in (0.2, 2.0))
    gains, deviations = forecast.rest(np.stack([slow, fast]), np.array([9 / 27, 9 / 27]))
    assert gains[1] < gains[0] <= 0
    assert (deviations > 0).all()


def test_it_is_surer_later_in_a_run() -> None:
    forecast = Forecast(LEARNED)
    rows = np.stack([describe(0.0, falling(1.0)[:depth], 27) for depth in (2, 9, 18, 25)])
    _, deviations = forecast.rest(rows, np.array([2, 9, 18, 25]) / 27)
    assert (np.diff(deviations) < 0).all()


def test_a_study_whose_runs_go_on_otherwise_teaches_it_that() -> None:
    forecast = Forecast(LEARNED)
    cliff = [0.0] * 20 + [-3.0] * 7
    rows, progress = np.stack([describe(0.1, cliff[:9], 27)]), np.array([9 / 27])
    before, narrow = forecast.rest(rows, progress)
    for _ in range(6):
        forecast.learn(0.1, cliff)
    after, wide = forecast.rest(rows, progress)
    assert abs(after[0] + 3.0) < abs(before[0] + 3.0)
    assert wide[0] > narrow[0]


def test_both_priors_are_learned_from_lines_of_runs() -> None:
    rng = np.random.default_rng(0)
    lines = []
    for problem in ("one", "two", "three"):
        for _ in range(30):
            lr = float(10 ** rng.uniform(-5, 0))
            curve = [math.exp(error) for error in falling(2.0 / (1 + abs(math.log10(lr) + 2)))]
            lost = lr > 0.5
            lines.append(
                f'{{"problem": "{problem}", "settings": {{"lr": {lr}, "optimizer": "adam"}}, "before": 1.0, "curve": {curve[: 3 if lost else 27]}}}'
            )
    problems = read(lines)
    starts, habits = learn_starts(problems), learn_habits(problems)
    from trimtab.search.portrait import shared_features

    good, bad = shared_features([{"lr": 0.01, "optimizer": "adam"}, {"lr": 1e-5, "optimizer": "adam"}]) @ starts.mean
    assert good < 0.5 < bad
    gains, _ = Forecast(habits).rest(np.stack([describe(0.0, falling(1.0)[:9], 27)]), np.array([1 / 3]))
    assert abs(gains[0] - (falling(1.0)[-1] - falling(1.0)[8])) < 0.2
