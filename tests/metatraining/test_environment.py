"""A course as an environment: what is seen, what is rewarded, and that a learning goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from trimtab.metatraining import learning
from trimtab.metatraining.acting import USUAL, careful, stray, trials
from trimtab.metatraining.distribution import SETS, Course, draw
from trimtab.metatraining.environment import PRICE, Environment
from trimtab.metatraining.fitting import fit
from trimtab.metatraining.memory import Memory
from trimtab.metatraining.models import MLP
from trimtab.metatraining.problems import mixtures
from trimtab.metatraining.shipping import policy_bytes
from trimtab.metatraining.update import KINDS
from trimtab.pilot.first_step import first_share
from trimtab.pilot.optimizers import Optimizers
from trimtab.policy.archive import read
from trimtab.policy.levers import BETAS, HEADS, KEEP, KNOB, LEVERS, NAMES
from trimtab.policy.policy import Policy
from trimtab.policy.sight import FEATURES


def small(seed: int = 0) -> Course:
    """A course that takes a moment."""
    rng = np.random.default_rng(seed)
    problem = mixtures(rng, SETS)
    build = partial(MLP, problem.inputs.shape[2], problem.outputs, width=8, depth=1, activation="relu")
    drawn = draw(np.random.default_rng(5)).take(np.repeat(np.arange(SETS), 2))
    draws = replace(drawn.draws, batch=np.full(16, 8))
    return replace(drawn, build=build, problem=problem, draws=draws, horizon=4, steps=6)


def play(course: Course, actions) -> tuple[Environment, np.ndarray, list]:
    environment = Environment(course, seed=1)
    turn, total, turns = environment.start(), np.zeros(len(course.values)), []
    while not turn.done:
        turns.append(turn)
        turn = environment.step(actions(turn))
        total += turn.reward
    return environment, total, [*turns, turn]


def keep(turn) -> np.ndarray:
    return np.tile(KEEP, (len(turn.reward), 1))


def test_rewards_add_up_to_the_fall_of_the_log_loss() -> None:
    course = small()
    start = Environment(course, seed=1).error.copy()
    environment, total, turns = play(course, keep)
    assert len(turns) == 2 + 1 + course.horizon
    np.testing.assert_allclose(total, start - environment.error - PRICE * environment.divergences, atol=1e-9)


def test_observations_are_finite_bounded_and_complete() -> None:
    _, _, turns = play(small(1), keep)
    for turn in turns:
        assert turn.observation.shape == (16, len(FEATURES))
        assert np.isfinite(turn.observation).all()
        assert np.abs(turn.observation).max() <= 10.0


def test_the_same_seed_gives_the_same_course_and_the_same_end() -> None:
    one, other = play(small(2), keep)[0], play(small(2), keep)[0]
    np.testing.assert_array_equal(one.error, other.error)


def test_an_insane_rate_is_made_sane_before_the_first_step() -> None:
    course = small()
    course.values[:, 0] = 1e4
    environment, _, _ = play(course, keep)
    assert environment.error.max() < np.log(1e4)


def test_a_divergence_costs_and_is_mended() -> None:
    course = small(3)
    up = np.tile((HEADS[0] - 1, *KEEP[1:]), (16, 1))
    environment, _, turns = play(replace(course, horizon=8), lambda _: up)
    assert np.isfinite(environment.error).all()
    assert all(np.isfinite(turn.reward).all() for turn in turns)


def test_straying_stays_within_the_masks() -> None:
    rng = np.random.default_rng(0)
    masks = [np.eye(moves, dtype=bool)[np.zeros(50, dtype=int)] for moves in HEADS]
    still = np.zeros((50, len(HEADS)), dtype=int)
    assert (stray(still, masks, np.ones(50, dtype=bool), rng, first=True) == 0).all()
    free = [np.ones((50, moves), dtype=bool) for moves in HEADS]
    who = np.arange(50) < 25
    first = stray(still, free, who, rng, first=True)
    assert len(np.unique(first[who, 0])) == HEADS[0]
    assert (first[~who] == 0).all()
    assert (stray(still, free, who, rng, first=False)[who] != 0).mean() < 0.1


def test_clones_try_one_thing_each_and_the_first_none() -> None:
    rng = np.random.default_rng(0)
    masks = [np.ones(moves, dtype=bool) for moves in HEADS]
    masks[1] = np.arange(HEADS[1]) == KEEP[1]
    for _ in range(20):
        tried = trials(masks, 8, rng)
        assert ((tried != KEEP).sum(1) == [0, *[1] * 7]).all()
        assert tuple(tried[1:3, 0]) == USUAL
        assert (tried[:, 1] == KEEP[1]).all()
        assert len({tuple(row) for row in tried}) == 8
    rate_alone = [np.arange(moves) == keep for moves, keep in zip(HEADS, KEEP, strict=True)]
    rate_alone[0][:] = True
    assert set(trials(rate_alone, 8, rng)[:, 0]) == set(range(HEADS[0]))


def test_a_trial_is_worth_what_it_changes(tmp_path) -> None:
    environment = Environment(small(4), seed=1)
    environment.start()
    for _ in range(3):
        environment.step(np.tile(KEEP, (16, 1)))
    clones = environment.take(np.repeat(np.arange(2), learning.CLONES))
    still = np.tile(KEEP, (2 * learning.CLONES, 1))
    gained, _ = learning.worth(clones, still)
    np.testing.assert_allclose(gained, 0.0, atol=1e-5)
    dead = still.copy()
    dead[learning.CLONES - 1, 0] = 0
    gained, _ = learning.worth(environment.take(np.repeat(np.arange(2), learning.CLONES)), dead)
    np.testing.assert_allclose(np.delete(gained, learning.CLONES - 1), 0.0, atol=1e-5)
    assert abs(gained[learning.CLONES - 1]) > 1e-4


def test_taken_trainings_go_on_as_the_whole() -> None:
    whole = Environment(small(6), seed=1)
    whole.start()
    still = np.tile(KEEP, (16, 1))
    whole.step(still)
    rows = np.array([3, 0, 9])
    part = whole.take(rows)
    seen = (whole.step(still), part.step(still[rows]))
    while not seen[0].done:
        np.testing.assert_allclose(seen[0].observation[rows], seen[1].observation, atol=2e-3)
        seen = (whole.step(still), part.step(still[rows]))
    assert seen[1].done
    np.testing.assert_allclose(whole.error[rows], part.error, rtol=1e-4)


def test_a_start_that_is_found_has_decoupled_decay_and_betas_of_its_own() -> None:
    course = small(7)
    kinds = np.full(16, KINDS.index("adam"))
    course = replace(course, draws=replace(course.draws, kinds=kinds))
    course.has[:, 1], course.values[:, 2] = np.arange(16) < 8, np.where(np.arange(16) % 2, 0.8, 0.9)
    course.given[:] = np.arange(16) % 4 > 1
    draws = Environment(course, seed=1).trainings.draws
    found = ~course.given
    assert ((draws.kinds == KINDS.index("adamw")) == (found & (np.arange(16) < 8))).all()
    assert ((draws.beta2 == BETAS[1]) == (found & (course.values[:, 2] == 0.9))).all()


def test_clones_that_are_steered_alike_end_alike() -> None:
    environment, _, _ = play(small(4), keep)
    ends = environment.error.reshape(SETS, 2)
    np.testing.assert_allclose(ends[:, 0], ends[:, 1], rtol=1e-5)
    assert len(np.unique(ends[:, 0])) == SETS


def choose(rng: np.random.Generator) -> Course:
    return small(int(rng.integers(100)))


def test_a_learning_that_is_stopped_goes_on_where_it_was(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(learning, "FIT_EVERY", 2)
    whole = learning.learn(tmp_path / "whole", seed=0, courses=4, choose=choose)
    learning.learn(tmp_path / "parts", seed=0, courses=3, choose=choose)
    parts = learning.learn(tmp_path / "parts", seed=0, courses=4, choose=choose)
    files = [(tmp_path / name / learning.MEMORY).read_bytes() for name in ("whole", "parts")]
    assert files[0] == files[1]
    assert policy_bytes(whole, {}) == policy_bytes(parts, {})


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing_but_the_time(tmp_path) -> None:
    threads = torch.get_num_threads()
    learning.settle()
    for workers in (1, 2):
        learning.learn(tmp_path / str(workers), seed=0, courses=3, workers=workers)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
    one, two = (Memory.load(tmp_path / name / learning.MEMORY) for name in ("1", "2"))
    assert np.array_equal(one.action, two.action)
    # another process may lay its arrays out otherwise, and round otherwise for it
    np.testing.assert_allclose(one.gained, two.gained, rtol=1e-3, atol=1e-4)


def taught(seed: int, rows: int = 4_000) -> Memory:
    """What trials would show where a hotter rate pays if the first feature is above zero, and a cooler one if it is below."""
    rng = np.random.default_rng(seed)
    observation = rng.normal(size=(rows, len(FEATURES))).astype(np.float32)
    action = np.tile(KEEP, (rows, 1)).astype(np.int8)
    action[:, 0] = rng.integers(HEADS[0], size=rows)
    gained = 0.1 * np.sign(observation[:, 0]) * np.sign(action[:, 0] - KEEP[0]) + 0.02 * rng.normal(size=rows)
    return Memory(observation, action, gained.astype(np.float32), np.arange(rows, dtype=np.int32) // 64)


def test_what_trials_show_is_learned() -> None:
    worths = fit(taught(0), seed=0)
    fresh = taught(1, 200)
    free = [np.ones((200, moves), dtype=bool) for moves in HEADS]
    moves = careful(worths, fresh.observation, free)[:, 0] - KEEP[0]
    clear = np.abs(fresh.observation[:, 0]) > 0.5
    assert (np.sign(moves) == np.sign(fresh.observation[:, 0]))[clear].mean() > 0.95
    held = [mask & (np.arange(mask.shape[1]) == keep) for mask, keep in zip(free, KEEP, strict=True)]
    masked = careful(worths, fresh.observation, held)
    assert (masked == KEEP).all()


def test_the_shipped_file_decides_as_the_ensemble_does() -> None:
    worths = fit(taught(2), seed=0)
    policy = Policy(read(policy_bytes(worths, {"trainings": 0}), "here"))
    rng = np.random.default_rng(0)
    masks = [np.ones(moves, dtype=bool) for moves in HEADS]
    for _ in range(20):
        observation = rng.normal(size=len(FEATURES)).astype(np.float32)
        values = worths.values(observation[None])[:, 0].mean(0)
        verdict = policy.decide(observation, masks)
        for head, name in enumerate(NAMES):
            np.testing.assert_allclose(verdict.values[name], values[head, : HEADS[head]], atol=5e-3)
    assert policy.card["trainings"] == 0


@pytest.mark.parametrize("seed", range(12))
def test_the_distribution_can_be_trained(seed: int) -> None:
    course = replace(draw(np.random.default_rng(100 + seed)), horizon=1, steps=3)
    environment, _, _ = play(course, keep)
    assert np.isfinite(environment.error).all()


def test_a_knob_without_a_name_moves_what_is_behind_it() -> None:
    course = small()
    course.has[:], course.alias[:] = False, [lever.name for lever in LEVERS].index("weight_decay")
    course.has[:, [0, -1]] = True
    course.values[:, -1] = 0.5
    environment = Environment(course, seed=1)
    environment.start()
    up = np.tile(KEEP, (16, 1))
    up[:, LEVERS.index(KNOB)] = 2
    environment.step(up)
    decay = environment.trainings._decay.numpy()
    np.testing.assert_allclose(decay, LEVERS[1].at(np.full(16, 0.65)), rtol=1e-5)


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_a_position_and_its_value_are_one(lever) -> None:
    positions = np.linspace(0.0, 1.0, 7)
    np.testing.assert_allclose(lever.position(lever.at(positions)), positions, atol=1e-9)
    assert lever.at(positions)[0] == pytest.approx(lever.low)
    assert lever.at(positions)[-1] == pytest.approx(lever.high)


def test_a_pilot_starts_where_a_training_of_its_kind_starts() -> None:
    course = small()
    environment = Environment(course, seed=1)
    trainings = environment.trainings
    for row in range(4):
        torch.manual_seed(int(course.draws.seeds[row]))
        model = course.build()
        kind = KINDS[course.draws.kinds[row]]
        make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}
        make["adagrad"] = torch.optim.Adagrad
        optimizers = Optimizers([make[kind](model.parameters(), lr=float(course.values[row, 0]))])
        gradients = [part[row] for part in trainings.nets.views(trainings.nets.gradient).values()]
        weights = [weight.detach() for weight in model.parameters()]
        share = first_share(optimizers, list(zip(weights, gradients, strict=True)), optimizers.rate)
        assert share == pytest.approx(trainings.first_share(course.values[:, 0])[row], rel=1e-4)
