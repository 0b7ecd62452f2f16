"""What a policy sees has no scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trimtab.errors import PolicyError
from trimtab.policy import levers
from trimtab.policy.archive import load_policy, read, shipped, write
from trimtab.policy.policy import Policy
from trimtab.policy.sight import FEATURES, Setting, Sight
from trimtab.policy.signals import Signals

SET = np.array([[0.1, 0.01, 0.9, 0.0, 0.0, 0.0]])


def signals(loss: float, *, scale: float = 1.0, size: float = 1.0) -> Signals:
    """The signals of one training; ``scale`` multiplies its loss, ``size`` its weights."""
    given = {
        "train_loss": loss * scale * 0.9,
        "validation_loss": loss * scale,
        "steps": 20.0,
        "weight_norm": 5.0 * size,
        "step_norm": 0.01 * size,
        "displacement": 0.1 * size,
        "cosine": 0.3,
        "gradient_norm": loss * scale / size,
        "gradient_cosine": 0.2,
        "step_cosine": 0.6,
        "after_cosine": 0.3,
    }
    return Signals(look="segment", **{name: np.array([value]) for name, value in given.items()})


def watch(losses: list[float], **scales: float) -> np.ndarray:
    one = np.ones(1)
    start = np.array([3.0 * scales.get("scale", 1.0)])
    sight = Sight(start_loss=start, base=one * 0.1, horizon=10, validated=np.array([True]))
    yes = np.array([True])
    setting = Setting(one * 0.1, SET, SET > 0, yes, yes, yes, yes)
    return np.concatenate([sight.see(signals(loss, **scales), setting) for loss in losses])


@settings(max_examples=40)
@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=6), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
@example([0.010000000000000002, 0.01], 3.0, 1.0)
def test_neither_the_unit_of_the_loss_nor_of_the_weights_is_seen(losses, scale, size) -> None:
    np.testing.assert_allclose(watch(losses), watch(losses, scale=scale, size=size), atol=1e-4)


def overfits(validation: list[float], train: list[float], *, start: float = 1.0, validated: bool = True) -> list[bool]:
    """Whether a run of ten segments is seen to overfit after each of its segments."""
    one, yes = np.ones(1), np.array([True])
    sight = Sight(start_loss=one * start, base=one * 0.1, horizon=10, validated=np.array([validated]))
    setting, found = Setting(one * 0.1, SET, SET > 0, yes, yes, yes, yes), []
    for told, learned in zip(validation, train, strict=True):
        losses = {"validation_loss": one * told, "train_loss": one * learned}
        sight.see(replace(signals(1.0), **losses), setting)
        found.append(bool(sight.overfits()[0]))
    return found


def test_a_run_overfits_when_only_its_train_loss_falls() -> None:
    rising, falling = [0.8, 0.7, 0.72, 0.75, 0.8], [0.8, 0.6, 0.5, 0.4, 0.3]
    assert overfits(rising, falling) == [False, False, False, True, True]
    assert not any(overfits(rising, [0.8, 0.6, 0.6, 0.6, 0.6]))
    assert not any(overfits([0.8, 0.7, 0.71, 0.72, 0.73], falling))
    assert not any(overfits([0.8, 0.7, 0.8, 0.79, 0.78], falling))
    assert not any(overfits(rising, falling, validated=False))
    assert not any(overfits(rising, falling, start=10.0))
    assert overfits([1.1, 1.2, 1.3], [0.9, 0.7, 0.6]) == [False, True, True]


def test_whoever_went_back_waits_anew() -> None:
    one, yes = np.ones(1), np.array([True])
    sight = Sight(start_loss=one, base=one * 0.1, horizon=10, validated=yes)
    setting = Setting(one * 0.1, SET, SET > 0, yes, yes, yes, yes)
    for told, expected in ((0.7, False), (0.8, False), (0.9, True), (0.8, False), (0.9, True)):
        learned = 0.6 - 0.1 * sight.segment
        sight.see(replace(signals(1.0), validation_loss=one * told, train_loss=one * learned), setting)
        assert bool(sight.overfits()[0]) is expected
        if expected:
            sight.acted(one * 0.02, np.array([[*levers.KEEP[:-1], levers.GO_BACK_LOWER]]))


def test_every_number_has_a_name() -> None:
    assert watch([2.0]).shape == (1, len(FEATURES))
    assert len(set(FEATURES)) == len(FEATURES)


def test_a_sight_goes_on_where_its_state_was_taken() -> None:
    one, yes = np.ones(1), np.array([True])
    setting = Setting(one, SET, SET > 0, yes, yes, yes, yes)
    sights = [Sight(start_loss=one * 3, base=one, horizon=5, validated=yes) for _ in range(2)]
    for loss in (2.0, 1.5):
        sights[0].see(signals(loss), setting)
    sights[1].load_state_dict(sights[0].state_dict())
    after = [sight.see(signals(1.2), setting) for sight in sights]
    np.testing.assert_array_equal(after[0], after[1])


def test_levers_move_within_their_bounds_and_to_zero_and_back() -> None:
    up, down = np.array([2]), np.array([0])
    decay = np.array([0.0])
    decay = levers.DECAY.moved(decay, up)
    assert decay[0] == levers.DECAY.first
    for _ in range(10):
        decay = levers.DECAY.moved(decay, down)
    assert decay[0] == 0.0
    for _ in range(20):
        decay = levers.DECAY.moved(decay, up)
    assert decay[0] == levers.DECAY.high
    assert levers.RATE.moved(np.array([0.1]), np.array([levers.RATE.keep]))[0] == 0.1


def test_going_back_may_lower_the_rate() -> None:
    values = np.tile([0.1, *[0.0] * (len(levers.LEVERS) - 1)], (3, 1))
    actions = np.tile(levers.KEEP, (3, 1))
    actions[:, -1] = [0, 1, 2]
    np.testing.assert_allclose(levers.moved(values, actions)[:, 0], [0.1, 0.1, 0.02])


LOW, HIGH = levers.SANE


@pytest.mark.parametrize(
    ("share", "expected"), [(1e-6, LOW / 1e-6), (0.01, 1.0), (10.0, HIGH / 10.0), (np.nan, 1.0), (0.0, 1.0)]
)
def test_a_rate_that_is_given_is_brought_to_where_its_first_step_is_sane(share: float, expected: float) -> None:
    told = {"kind": np.array(["adaptive"]), "momentum": np.array([0.9]), "given": np.array([True])}
    assert levers.first_rate(np.ones(1), np.array([share]), 27.0, **told)[0] == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["adaptive", "balanced", "plain"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_rate_that_is_not_given_is_found(kind: str, momentum: float) -> None:
    rates = np.array([1e-5, 1.0])
    told = {"kind": np.full(2, kind), "momentum": np.full(2, momentum), "given": np.zeros(2, dtype=bool)}
    # without momentum a step is not followed by ten times itself
    longer = 1.0 if kind == "adaptive" else (1.0 - momentum) / 0.1
    usual, share = levers.FIRST_PLAIN
    found = levers.first_rate(rates, 7.0 * rates, levers.USUAL_FAN, **told)
    wanted = np.sqrt(usual * share / 7.0) if kind == "plain" else levers.FIRST[kind]
    np.testing.assert_allclose(found, longer * wanted)
    unknown = levers.first_rate(rates, np.array([np.nan, 0.0]), levers.USUAL_FAN, **told)
    np.testing.assert_allclose(unknown, longer * (usual if kind == "plain" else wanted))


def test_a_wider_net_starts_from_a_lower_rate_and_none_from_one_that_breaks_it() -> None:
    told = {"kind": np.array(["adaptive"]), "momentum": np.zeros(1), "given": np.zeros(1, dtype=bool)}
    found = [float(levers.first_rate(np.ones(1), np.ones(1), fan, **told)[0]) for fan in (27.0, 270.0)]
    assert found[0] / found[1] == pytest.approx(10.0**levers.FAN_POWER)
    small_weights = levers.first_rate(np.ones(1), np.array([1e6]), 27.0, **told)
    assert small_weights[0] == pytest.approx(HIGH / 1e6)


def test_the_shipped_policy_is_small_and_loads() -> None:
    assert "default" in shipped()
    policy = Policy.load()
    masks = [np.ones(moves, dtype=bool) for moves in levers.HEADS]
    verdict = policy.decide(np.zeros(len(FEATURES), dtype=np.float32), masks)
    assert len(verdict.action) == len(levers.HEADS)
    assert np.isfinite(verdict.expected)
    assert len(write(load_policy("default"))) <= 2_000_000


def test_a_masked_move_is_never_made() -> None:
    policy = Policy.load()
    masks = [np.arange(moves) == keep for moves, keep in zip(levers.HEADS, levers.KEEP, strict=True)]
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert policy.decide(rng.normal(size=len(FEATURES)).astype(np.float32), masks).action == levers.KEEP


def test_files_that_are_no_policy_are_refused_by_name(tmp_path) -> None:
    whole = write(load_policy("default"))
    cases = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "text": b"not a policy at all",
        "other": whole.replace(b'\\"format\\": 1', b'\\"format\\": 9'),
    }
    for name, data in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(PolicyError, match=name):
            load_policy(path)
    with pytest.raises(PolicyError, match=r"expected one of 'default'.* or a file, got 'nowhere'"):
        load_policy("nowhere")


def test_a_policy_file_holds_what_was_written() -> None:
    policy = load_policy("default")
    again = read(write(replace(policy, card={"here": 1})), "here")
    assert again.card == {"here": 1}
    assert all(np.array_equal(policy.arrays[name], again.arrays[name]) for name in policy.arrays)
