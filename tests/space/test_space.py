"""Laws of spaces: what is encoded can be decoded, what is moved stays legal, what is forbidden changes nothing."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trimtab as tt
from trimtab.errors import SpaceError
from trimtab.space import Keep, Multiply

SPACE = tt.Space(
    lr=tt.Float(1e-5, 1.0, log=True),
    batch_size=tt.Int(16, 512, log=True),
    dropout=tt.Float(0.0, 0.6),
    layers_to_freeze=tt.Int(0, 9),
    optimizer=tt.Categorical("sgd", "adam", "rmsprop"),
    momentum=tt.Float(0.0, 0.99, when={"optimizer": ("sgd", "rmsprop")}),
    nesterov=tt.Bool(when={"optimizer": "sgd"}),
    width=tt.Int(16, 256, log=True, live=False),
)


def drawn(seed: int) -> tt.Settings:
    return SPACE.sample(np.random.default_rng(seed))


seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_a_sample_is_legal_and_survives_encoding(seed: int) -> None:
    settings = drawn(seed)
    assert SPACE.check(settings) == settings
    decoded = SPACE.decode(SPACE.encode(settings))
    for name in SPACE.active(settings):
        assert decoded[name] == (
            pytest.approx(settings[name], rel=1e-4, abs=1e-6) if isinstance(settings[name], float) else settings[name]
        )


@given(seeds, st.data())
def test_every_action_leads_to_legal_settings(seed: int, data: st.DataObject) -> None:
    settings = drawn(seed)
    action = [data.draw(st.integers(0, moves - 1)) for moves in SPACE.heads]
    assert SPACE.check(SPACE.apply(settings, action)) == SPACE.apply(settings, action)


@given(seeds)
def test_to_keep_is_always_allowed_and_changes_nothing(seed: int) -> None:
    settings = drawn(seed)
    assert SPACE.apply(settings, SPACE.keep()) == settings
    assert all(mask[index] for mask, index in zip(SPACE.masks(settings), SPACE.keep(), strict=True))


@given(seeds)
def test_an_allowed_move_other_than_keep_changes_its_hyperparameter_and_no_two_do_the_same(seed: int) -> None:
    settings = drawn(seed)
    for name, mask in zip(SPACE.live, SPACE.masks(settings), strict=True):
        ends = [
            SPACE[name].apply(settings[name], move) for move, allowed in zip(SPACE[name].moves, mask, strict=True) if allowed
        ]
        assert len(set(ends)) == len(ends)
        assert settings[name] in ends


@given(seeds, st.sampled_from([1.25, 2.0, 5.0]))
def test_multiplying_and_dividing_comes_back(seed: int, factor: float) -> None:
    member = SPACE["lr"]
    value = member.decode((0.2 + 0.6 * np.random.default_rng(seed).random(),))
    there = member.apply(value, Multiply(factor))
    assert member.apply(there, Multiply(1 / factor)) == pytest.approx(value, rel=1e-9)


def test_moves_of_every_numeric_hyperparameter_are_symmetric() -> None:
    for name in ("lr", "batch_size", "dropout", "layers_to_freeze"):
        moves = SPACE[name].moves
        assert moves[len(moves) // 2] == Keep()
        assert len(moves) % 2 == 1


def test_an_integer_moves_by_at_least_one() -> None:
    member = tt.Int(1, 100, log=True, sizes=(1.1,))
    assert member.apply(2, member.moves[2]) == 3
    assert member.apply(2, member.moves[0]) == 1
    assert member.apply(1, member.moves[0]) == 1


def test_a_hyperparameter_without_effect_can_only_be_kept_and_is_encoded_as_zero() -> None:
    settings = SPACE.default().replace(optimizer="adam", momentum=0.9)
    masks = dict(zip(SPACE.live, SPACE.masks(settings), strict=True))
    assert masks["momentum"].sum() == 1
    assert "momentum" not in SPACE.active(settings)
    changed = settings.replace(momentum=0.1)
    np.testing.assert_array_equal(SPACE.encode(settings), SPACE.encode(changed))


def test_at_a_bound_only_moves_inwards_are_left() -> None:
    settings = SPACE.default().replace(lr=1.0)
    mask = dict(zip(SPACE.live, SPACE.masks(settings), strict=True))["lr"]
    assert mask.tolist() == [True, True, True, True, False, False, False]


def test_start_only_hyperparameters_have_no_head() -> None:
    assert "width" not in SPACE.live
    assert len(SPACE.heads) == len(SPACE) - 1


def test_settings_are_immutable_hashable_and_equal_by_value() -> None:
    settings = tt.Settings(lr=0.1, optimizer="sgd")
    changed = settings.replace(lr=0.2)
    assert (settings["lr"], changed["lr"]) == (0.1, 0.2)
    assert hash(settings) == hash(tt.Settings(optimizer="sgd", lr=0.1))
    assert settings == {"lr": 0.1, "optimizer": "sgd"}
    with pytest.raises(TypeError):
        settings["lr"] = 0.3  # type: ignore[index]


def test_a_space_survives_json() -> None:
    again = tt.Space.from_record(json.loads(json.dumps(SPACE.to_record())))
    assert again == SPACE
    assert again.live == SPACE.live


def test_a_space_can_be_written_in_toml(tmp_path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("""
        [space]
        lr = { kind = "float", low = 1e-5, high = 1.0, log = true }
        optimizer = { kind = "categorical", choices = ["sgd", "adam"] }
        momentum = { kind = "float", low = 0.0, high = 0.99, when = { optimizer = ["sgd"] } }
        width = { kind = "int", low = 16, high = 256, log = true, live = false }
    """)
    space = tt.Space.from_toml(path)
    assert space["lr"] == tt.Float(1e-5, 1.0, log=True)
    assert space["momentum"].when == {"optimizer": ("sgd",)}
    assert space.live == ("lr", "optimizer", "momentum")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (tt.Space, "at least one hyperparameter"),
        (lambda: tt.Space(lr=0.1), "lr: expected a hyperparameter"),
        (lambda: tt.Float(1.0, 0.1), "low < high, got low=1.0, high=0.1"),
        (lambda: tt.Float(0.1, 0.1), "low < high"),
        (lambda: tt.Float(0.0, 1.0, log=True), "log=True needs low > 0"),
        (lambda: tt.Float(-1.0, 1.0, log=True), "log=True needs low > 0"),
        (lambda: tt.Float(float("nan"), 1.0), "Float.low: expected a finite number"),
        (lambda: tt.Float(0.0, float("inf")), "Float.high: expected a finite number"),
        (lambda: tt.Float("0", 1.0), "expected a number, got '0'"),
        (lambda: tt.Int(0, 8, log=True), "log=True needs low > 0"),
        (lambda: tt.Int(0.5, 8), "Int.low: expected a whole number"),
        (lambda: tt.Float(0.1, 1.0, log=True, sizes=(0.5,)), "factors above 1"),
        (lambda: tt.Float(0.1, 1.0, sizes=(-0.5,)), "steps above 0"),
        (lambda: tt.Float(0.1, 1.0, sizes=()), "one or more different"),
        (lambda: tt.Categorical("sgd"), "at least two different choices"),
        (lambda: tt.Categorical("sgd", "sgd"), "at least two different choices"),
        (lambda: tt.Categorical(["sgd", "adam"]), "give the choices one by one"),
        (lambda: tt.Categorical("sgd", None), "strings, numbers or booleans"),
        (lambda: tt.Space(m=tt.Float(0, 1, when={"optimizer": "sgd"})), "m.when: 'optimizer' is not a hyperparameter"),
        (lambda: tt.Space(o=tt.Categorical("a", "b"), m=tt.Float(0, 1, when={"o": "c"})), "m.when.o: expected one of 'a', 'b'"),
        (lambda: tt.Space(a=tt.Bool(when={"b": True}), b=tt.Bool(when={"a": True})), "go in a circle"),
        (lambda: SPACE.check({"lr": 0.1}), "batch_size: expected a value, got none"),
        (lambda: SPACE.check({**SPACE.default(), "lr": 2.0}), r"lr: expected a number in \[1e-05, 1\], got 2"),
        (lambda: SPACE.check({**SPACE.default(), "lr": "fast"}), "lr: expected a number, got 'fast'"),
        (lambda: SPACE.check({**SPACE.default(), "batch_size": 20.5}), "batch_size: expected a whole number"),
        (
            lambda: SPACE.check({**SPACE.default(), "optimizer": "lion"}),
            "optimizer: expected one of 'sgd', 'adam', 'rmsprop', got 'lion'",
        ),
        (lambda: SPACE.check({**SPACE.default(), "nesterov": 1}), "nesterov: expected True or False, got 1"),
        (lambda: SPACE.check({**SPACE.default(), "learning_rate": 0.1}), "learning_rate: not a hyperparameter of this space"),
        (lambda: SPACE.decode([0.0]), "expected 10 numbers, got 1"),
        (lambda: tt.Space.from_toml("nowhere.toml"), "nowhere.toml: no such file"),
        (lambda: tt.Space.from_record({"lr": {"kind": "real"}}), "lr.kind: expected one of float, int"),
        (lambda: tt.Space.from_record({"lr": {"kind": "float", "low": 0.0}}), "lr: "),
        (lambda: tt.Space.from_record({"lr": 0.1}), "lr: expected a table"),
    ],
)
def test_bad_spaces_and_settings_are_named(make, words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        make()


def test_a_file_that_is_not_toml_is_named(tmp_path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("lr = [")
    with pytest.raises(SpaceError, match="not TOML"):
        tt.Space.from_toml(path)
