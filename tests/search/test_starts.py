"""Where runs begin: what is known before the first, and how every run makes it surer."""

import math
from pathlib import Path

import numpy as np
import pytest

import trimtab as tt
from trimtab.errors import StudyError
from trimtab.search import archive
from trimtab.search.belief import Belief
from trimtab.search.portrait import SHARED, Portrait, shared_features
from trimtab.search.starts import Result, Starts, learned

SPACE = tt.Space(
    lr=tt.Float(1e-5, 1.0, log=True),
    optimizer=tt.Categorical("sgd", "adam", live=False),
    width=tt.Int(8, 64, log=True, live=False),
    temperature=tt.Float(0.1, 10.0, log=True),
    kernel=tt.Categorical("small", "large", live=False),
    bias=tt.Bool(live=False),
)


def starts(space: tt.Space = SPACE) -> Starts:
    return Starts(space, Portrait(space), [archive.shipped()[0]])


def test_a_belief_comes_to_least_squares_and_grows_surer() -> None:
    rng = np.random.default_rng(0)
    features, weights = rng.standard_normal((200, 4)), np.array([1.0, -2.0, 0.5, 0.0])
    belief = Belief(np.zeros(4), np.eye(4))
    wide = belief.deviations(np.eye(4))
    belief.observe(features, features @ weights + 0.1 * rng.standard_normal(200), np.full(200, 0.01))
    assert np.allclose(belief.mean, weights, atol=0.05)
    assert (belief.deviations(np.eye(4)) < 0.1 * wide).all()
    draws = np.array([belief.draw(rng) for _ in range(400)])
    assert np.allclose(np.cov(draws.T), belief.covariance, atol=3e-5)
    assert np.array_equal(belief.draw(rng, temperature=0.0), belief.mean)


def test_settings_of_two_spaces_look_alike_where_they_mean_the_same() -> None:
    other = tt.Space(
        learning_rate=tt.Float(1e-4, 0.5, log=True), hidden=tt.Int(4, 256), optimizer=tt.Categorical("adam", "sgd")
    )
    one = SPACE.default().replace(lr=0.01, width=32, optimizer="adam")
    two = other.check({"learning_rate": 0.01, "hidden": 32, "optimizer": "adam"})
    first, second = (Portrait(space).features(Portrait(space).codes([each])) for space, each in ((SPACE, one), (other, two)))
    assert np.allclose(first[0, :SHARED], second[0, :SHARED], atol=1e-6)
    assert np.allclose(second[:, :SHARED], shared_features([dict(two)]), atol=1e-6)


def test_before_any_run_a_start_is_one_that_was_good_elsewhere() -> None:
    proposed = [
        starts().prospect([], np.random.default_rng(seed)).draw(0.0, np.random.default_rng(seed)).settings for seed in range(20)
    ]
    assert all(SPACE.check(settings) == settings for settings in proposed)
    assert 2e-3 < np.median([settings["lr"] for settings in proposed if settings["optimizer"] == "adam"]) < 1e-1


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_what_a_run_began_with_is_proposed_no_more(temperature: float) -> None:
    prospect = starts().prospect([], np.random.default_rng(0))
    drawn = []
    for _ in range(prospect.favourites + 3):
        drawn.append(prospect.draw(temperature, np.random.default_rng(1)).settings)
        assert prospect.draw(temperature, np.random.default_rng(1)).settings == drawn[-1]
        prospect.begun(drawn[-1])
    assert len(set(drawn)) == len(drawn)


def test_runs_of_a_study_outweigh_what_was_known_before() -> None:
    rng, known = np.random.default_rng(1), starts()
    results = [
        Result(settings, 0.5 * abs(math.log10(settings["lr"]) + 3) + (settings["kernel"] == "small"), 0.02)
        for settings in (SPACE.sample(rng) for _ in range(60))
    ]
    proposed = [known.prospect(results, rng).draw(0.3, np.random.default_rng(seed)) for seed in range(20)]
    assert np.median([abs(math.log10(one.settings["lr"]) + 3) for one in proposed]) < 0.6
    assert sum(one.settings["kernel"] == "large" for one in proposed) > 15
    assert np.median([one.expected for one in proposed]) < 0.4
    judged = known.judge(results, SPACE.default().replace(lr=1.0, kernel="small"), 0.0, rng)
    assert judged.expected == judged.drawn > 1.0
    assert judged.deviation > 0


def test_a_study_like_this_one_says_where_to_begin_and_one_that_is_unlike_it_is_outvoted() -> None:
    rng, general = np.random.default_rng(2), archive.shipped()[0]

    def off(settings: tt.Settings) -> float:
        return abs(math.log10(settings["lr"]) + 1.5) + (settings["optimizer"] == "adam")

    results = [Result(settings, off(settings), 0.02) for settings in (SPACE.sample(rng) for _ in range(150))]
    alike = Starts(SPACE, Portrait(SPACE), [general, learned(general, Portrait(SPACE), results)])
    apart = [
        np.median([off(each.prospect([], rng).draw(0.1, np.random.default_rng(seed)).settings) for seed in range(15)])
        for each in (alike, starts())
    ]
    assert apart[0] < 0.5 < apart[1]
    # a study that went the other way is not believed once runs of this one are seen
    reverse = [Result(result.settings, 3.0 - result.error, 0.02) for result in results]
    misled = Starts(SPACE, Portrait(SPACE), [general, learned(general, Portrait(SPACE), reverse)])
    drawn = [misled.prospect(results[:40], rng).draw(0.1, np.random.default_rng(seed)).settings for seed in range(15)]
    assert np.median([off(settings) for settings in drawn]) < 0.7


@pytest.mark.parametrize("damage", ["empty", "half", "policy"])
def test_bytes_that_hold_no_priors_are_refused(damage: str, tmp_path: Path) -> None:
    whole = tmp_path / "prior.safetensors"
    archive.write(whole, *archive.shipped(), problems={"digits": 3})
    data = whole.read_bytes()
    assert archive.read(data)[0].mean.shape == (SHARED,)
    from safetensors.numpy import save

    broken = {"empty": b"", "half": data[: len(data) // 2], "policy": save({"weights": np.zeros(3)})}[damage]
    with pytest.raises(StudyError, match="prior"):
        archive.read(broken)
