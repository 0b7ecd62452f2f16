"""What an agent sees and is rewarded for has no scale, is finite, and adds up."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trimtab as tt
from trimtab.env import AtMost, Gap, Seconds, Standing, Trace, feature_names, observe, resolve, standings
from trimtab.errors import StudyError
from trimtab.task import Measurement, Telemetry

SPACE = tt.Space(lr=tt.Float(1e-5, 1.0, log=True), optimizer=tt.Categorical("sgd", "adam"), width=tt.Int(8, 64, live=False))
GOAL = tt.Goal()
positive = st.floats(1e-2, 1e2)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    telemetry = Telemetry(
        losses=tuple(draw(st.lists(positive, min_size=8, max_size=8))),
        gradient_norms=tuple(draw(st.lists(positive, min_size=1, max_size=8))),
        weight_norm=draw(positive),
        update_norm=draw(positive),
        cosine=draw(st.one_of(st.just(math.nan), st.floats(-1, 1))),
    )
    return Measurement({"loss": draw(positive)}, draw(positive), seconds=draw(st.floats(0, 9)), telemetry=telemetry)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    before = Measurement({"loss": draw(positive)}, math.nan)
    trace = Trace(SPACE.sample(rng), before, (), 12)
    for measurement in draw(st.lists(measurements(), max_size=6)):
        trace = trace.extended(SPACE.sample(rng), measurement)
    return trace


def scaled(trace: Trace, factor: float) -> Trace:
    """Return the trace of the same training whose loss was multiplied by ``factor`` (and with it the gradient)."""

    def of(measurement: Measurement) -> Measurement:
        telemetry = measurement.telemetry
        return replace(
            measurement,
            metrics={"loss": measurement.metrics["loss"] * factor},
            train_loss=measurement.train_loss * factor,
            telemetry=replace(
                telemetry,
                losses=tuple(loss * factor for loss in telemetry.losses),
                gradient_norms=tuple(norm * factor for norm in telemetry.gradient_norms),
            ),
        )

    steps = tuple(replace(step, after=of(step.after)) for step in trace.steps)
    return replace(trace, before=of(trace.before), steps=steps)


@given(traces(), st.floats(1e-1, 1e3))
def test_multiplying_the_loss_by_a_constant_changes_nothing(trace: Trace, factor: float) -> None:
    np.testing.assert_allclose(observe(trace, GOAL, SPACE), observe(scaled(trace, factor), GOAL, SPACE), atol=1e-5)


@given(traces())
def test_an_observation_is_finite_bounded_and_named(trace: Trace) -> None:
    observation = observe(trace, GOAL, SPACE)
    assert observation.shape == (len(feature_names(SPACE)),)
    assert observation.dtype == np.float32
    assert np.isfinite(observation).all()
    assert np.abs(observation).max() <= 10


@given(traces())
def test_a_divergence_is_seen_as_finite_and_as_bad(trace: Trace) -> None:
    worse = trace.extended(trace.settings, Measurement({"loss": math.nan}, math.inf, status="diverged"))
    assert np.isfinite(observe(worse, GOAL, SPACE)).all()
    assert standings(worse, GOAL)[-1].error == pytest.approx(standings(trace, GOAL)[0].error + math.log(10))


@given(traces())
def test_rewards_add_up_to_the_improvement_of_the_run(trace: Trace) -> None:
    stand = standings(trace, GOAL)
    pairs = list(itertools.pairwise(stand))
    final, best = resolve("final"), resolve("best")
    assert sum(final(a, b) for a, b in pairs) == pytest.approx(stand[0].error - stand[-1].error, abs=1e-9)
    assert sum(best(a, b) for a, b in pairs) == pytest.approx(stand[0].error - min(s.error for s in stand), abs=1e-9)
    assert all(best(a, b) >= 0 for a, b in pairs)


def standing(error: float, *, train: float = 1.0, loss: float = 1.0, seconds: float = 0.0, **metrics: float) -> Standing:
    return Standing(error, error, Measurement({"loss": loss, **metrics}, train), seconds)


def test_named_terms_are_added() -> None:
    reward = resolve({"final": 1.0, "seconds": Seconds(0.1), "gap": Gap(0.5), "cost": AtMost("latency", 10.0, weight=2.0)})
    before, after = standing(1.0, latency=10.0), standing(0.4, train=0.5, seconds=2.0, latency=11.0)
    assert reward(before, after) == pytest.approx(0.6 - 0.2 - 0.5 * math.log(2) - 2.0)


def test_a_reward_may_be_any_callable() -> None:
    assert resolve(lambda before, after: after.seconds)(standing(1.0), standing(1.0, seconds=3.0)) == 3.0


@pytest.mark.parametrize("reward", ["fianl", {}, {"final": "much"}, {"speed": 1.0}, 3])
def test_a_reward_that_is_none_is_named(reward: object) -> None:
    with pytest.raises(StudyError, match="reward"):
        resolve(reward)  # type: ignore[arg-type]


def test_a_constraint_on_a_metric_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(StudyError, match=r"no 'latency'; they are loss"):
        AtMost("latency", 1.0)(standing(1.0), standing(1.0))


def test_accuracy_counts_as_the_error_that_is_left() -> None:
    goal = tt.Goal("accuracy", minimise=False, bound=1.0)
    assert goal.error({"accuracy": 0.9}) == pytest.approx(math.log(0.1))
    assert goal.better({"accuracy": 0.95}, {"accuracy": 0.9})
    assert goal.error({"accuracy": 1.0}) == pytest.approx(math.log(1e-4))
    assert goal.error({"accuracy": math.nan}) == math.inf


def test_a_return_counts_as_it_is() -> None:
    goal = tt.Goal("return", minimise=False, scale="linear")
    assert goal.better({"return": -100.0}, {"return": -200.0})
    assert goal.error({"return": -100.0}) == 100.0
