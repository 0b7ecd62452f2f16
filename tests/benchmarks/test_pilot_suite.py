"""The held-out suite: its arithmetic by hand, its ledger, its loop on a task small enough for a test."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from benchmarks.pilot_suite import calibrate, figures, headlines, plan, range_test, recipes, speed, steering
from benchmarks.pilot_suite.digest import digest
from benchmarks.pilot_suite.figures import Book
from benchmarks.pilot_suite.ledger import Ledger
from benchmarks.pilot_suite.losses import COX, CROSS_ENTROPY, SQUARED_ERROR
from benchmarks.pilot_suite.nets import mlp
from benchmarks.pilot_suite.plan import Wanted
from benchmarks.pilot_suite.sources import Arrays, MissingDataError, data_path, divided, standardised
from benchmarks.pilot_suite.task import Task
from benchmarks.pilot_suite.tasks import TASKS
from benchmarks.pilot_suite.teachers import TRAINING_TASKS, check_apart, taught
from benchmarks.pilot_suite.training import Run, batches, train

TINY = Task("tiny", "test", partial(taught, 4, 200, 0.1, 0), partial(mlp, 4, 8, 1), SQUARED_ERROR, 16, 3, 10)


def run_of(validation: float, test: float, *, start: float = 1.0) -> Run:
    return Run(start, (1.0,), (validation,), (0.1,), validation, test, validation, test, 10, 0.1, not math.isfinite(test))


def fill(ledger: Ledger, task: Task, seed: int, *, oracle: float, pilot: float) -> None:
    for kind in recipes.KINDS:
        for place, recipe in enumerate(recipes.oracle(kind)):
            ledger.add(task, recipe, seed, run_of(oracle + place, oracle + place))
        for start in recipes.STARTS:
            ledger.add(task, recipes.pilot(kind, start, "p"), seed, run_of(pilot, pilot))


def test_warmed_cosine_rises_to_one_and_falls_to_nearly_nothing():
    factor = steering.warmed_cosine(100, 0.05)
    assert [factor(step) for step in (0, 4, 5)] == pytest.approx([0.2, 1.0, 1.0])
    assert factor(99) < 1e-3
    assert factor(52) == pytest.approx(0.5, abs=0.01)


def test_warmed_stable_decay_is_flat_until_the_last_fifth():
    factor = steering.warmed_stable_decay(100, 0.05)
    assert [factor(step) for step in (0, 4, 50, 80, 90, 99)] == pytest.approx([0.2, 1.0, 1.0, 1.0, 0.5, 0.05])


def test_the_range_test_suggests_a_tenth_of_where_the_loss_is_least():
    rates = [10.0**power for power in range(-5, 2)]
    assert range_test.suggested(rates, [1, 1, 1, 0.1, 0.1, 5, math.inf]) == pytest.approx(1e-2)


def test_every_oracle_has_27_runs_and_holds_the_default():
    for kind in recipes.KINDS:
        found = list(recipes.oracle(kind))
        assert len(set(found)) == 27
        assert recipes.cosine(kind) in found


def test_the_users_own_schedules_are_among_the_oracles_runs():
    for kind in recipes.KINDS:
        assert {recipes.cosine(kind, rate) for rate in recipes.SANE} <= set(recipes.oracle(kind))


@pytest.mark.parametrize("recipe", [recipes.cosine("sgd"), recipes.peer("plateau", "adam"), recipes.peer("onecycle", "adamw")])
def test_the_same_seed_gives_the_same_run(recipe):
    first, second = train(TINY, recipe, 3), train(TINY, recipe, 3)
    assert first.validation == second.validation
    assert first.final_test == second.final_test


@pytest.mark.parametrize("recipe", [recipes.peer("onecycle", "sgd"), recipes.cosine("adam"), recipes.peer("wsd", "adamw")])
def test_every_method_is_charged_for_every_example(recipe):
    run = train(TINY, recipe, 0)
    spent = 1 if recipe.method == "onecycle" else 0
    # a range test may stop early, but never costs more than its share
    least = TINY.batch_size * (TINY.horizon - spent) * TINY.segment_steps
    assert least < run.examples + 1 <= TINY.batch_size * TINY.steps + 1
    assert len(run.validation) == TINY.horizon - spent


def test_what_diverges_ends_early_and_says_so():
    run = train(TINY, recipes.cosine("sgd", 1e6), 0)
    assert run.diverged
    assert run.worse_than_start
    assert len(run.validation) < TINY.horizon


def test_batches_go_through_all_rows_before_any_comes_again():
    source = batches(10, 3, 0)
    first = torch.cat([next(source) for _ in range(3)])
    assert len(set(first.tolist())) == 9


def test_the_ledger_gives_back_what_was_written_and_survives_a_cut_line(tmp_path):
    recipe = recipes.cosine("adam")
    Ledger(tmp_path).add(TINY, recipe, 1, run_of(0.5, math.nan))
    path = tmp_path / "tiny.jsonl"
    path.write_text(path.read_text() + '{"key": {"ta')
    held = Ledger(tmp_path)
    found = held.find(TINY, recipe, 1)
    assert found is not None
    assert found.final_validation == 0.5
    assert math.isinf(found.final_test)
    assert held.find(TINY, recipe, 2) is None
    held.add(TINY, recipe, 2, run_of(0.25, 0.25))
    assert Ledger(tmp_path).find(TINY, recipe, 2) == run_of(0.25, 0.25)


def test_a_new_policy_asks_for_new_flights_and_for_nothing_else(tmp_path):
    held = Ledger(tmp_path / "results")
    fill(held, TINY, 0, oracle=1.0, pilot=0.5)

    def missing(policy: str) -> int:
        wanted = Wanted([TINY], recipes.KINDS, ("pilot", "oracle"), 1, 1, 0, policy)
        return sum(held.find(job.task, job.recipe, job.seed) is None for job in plan.jobs(wanted, held))

    assert missing("p") == 0
    assert missing("q") == 18


def test_a_pilot_is_another_with_other_weights_or_other_code_but_not_with_other_words(tmp_path):
    weights, code = tmp_path / "policy.safetensors", tmp_path / "pilot.py"

    def told(content: bytes, source: str) -> str:
        weights.write_bytes(content)
        code.write_text(source)
        return digest([weights], [code])

    first = told(b"one", 'def rate():\n    """Say it."""\n    return 1\n')
    assert told(b"one", 'def rate():\n    """Tell it."""\n    return 1  # why\n') == first
    assert told(b"one", 'def rate():\n    """Say it."""\n    return 2\n') != first
    assert told(b"two", 'def rate():\n    """Say it."""\n    return 1\n') != first


def test_ratios_headlines_and_failures_by_hand(tmp_path):
    held = Ledger(tmp_path)
    fill(held, TINY, 0, oracle=2.0, pilot=1.0)
    book = Book(held, [TINY], recipes.KINDS, 1, "p")
    found = {headline.name: headline for headline in headlines.headlines(book, book)}
    assert found["median ratio to the best of 27"].value == pytest.approx(0.5)
    assert found["share beating the best of 27"].value == 1.0
    assert found["what a bad start costs"].value == 1.0
    assert found["diverged"].value == 0
    assert found["ended worse than the start"].value == 0
    assert found["harm rate"].value == 0.0


def test_harm_counts_single_runs_beyond_one_percent(tmp_path):
    held = Ledger(tmp_path)
    fill(held, TINY, 0, oracle=1.0, pilot=100.0)
    book = Book(held, [TINY], recipes.KINDS, 1, "p")
    found = {headline.name: headline for headline in headlines.headlines(book, book)}
    assert found["harm rate"].value == 1.0
    assert "harm rate of another seed" not in found
    assert found["ended worse than the start"].value == 18


def test_half_of_the_ordered_pairs_of_unlike_seeds_count_as_harm(tmp_path):
    held = Ledger(tmp_path)
    for seed, test in ((0, 1.0), (1, 2.0)):
        held.add(TINY, recipes.cosine("sgd", 1e-3), seed, run_of(test, test))
    book = Book(held, [TINY], ("sgd",), 2, "p")
    found = {headline.name: headline for headline in headlines.headlines(book, book)}
    assert found["harm rate of another seed"].value == 0.5


def test_two_failures_are_even_and_one_is_not():
    assert figures.ratio(math.inf, math.inf) == 1.0
    assert figures.ratio(1.0, math.inf) == 0.0
    assert math.isinf(figures.ratio(math.inf, 1.0))


def test_the_middle_mean_leaves_a_quarter_out_at_each_end():
    assert figures.middle_mean(np.array([100.0, 1.0, 2.0, -50.0])) == pytest.approx(1.5)


def test_the_crossing_is_found_between_two_lengths():
    losses = [8.0, 4.0, 2.0, 2.5, 1.0, 1.0, 0.5]
    assert speed.crossing(2.0, losses) == pytest.approx(1.0)
    assert speed.crossing(9.0, losses) == 0.5
    assert speed.crossing(0.1, losses) == 4.0
    # halfway in the logarithm between 1.41 (still 2.0: more steps may not unlearn) and 2.0
    assert speed.crossing(math.sqrt(2), losses) == pytest.approx(math.sqrt(1.41 * 2.0))


def test_cox_of_equal_risks_is_the_mean_log_of_those_at_risk():
    targets = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    assert COX.function(torch.zeros(3, 1), targets).item() == pytest.approx((math.log(3) + math.log(1)) / 2)


def test_constant_predictions_are_those_of_the_training_part():
    assert CROSS_ENTROPY.constant(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1])) == pytest.approx(math.log(2))
    assert SQUARED_ERROR.constant(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0]])) == pytest.approx(4.0)


def test_divided_parts_are_disjoint_and_the_same_every_time():
    x = np.arange(100)
    parts = divided(x, x, train=60, validation=20, test=20)
    assert sorted([*parts.train[0], *parts.validation[0], *parts.test[0]]) == list(range(100))
    again = divided(x, x, train=60, validation=20, test=20)
    assert (again.test[0] == parts.test[0]).all()


def test_equal_rows_do_not_come_on_both_sides():
    x = np.repeat(np.arange(50), 2)[:, None]
    parts = divided(x, x, train=30, validation=10, test=10)
    assert len(np.unique(np.concatenate([parts.train[0], parts.validation[0], parts.test[0]]))) == 50


def test_scaling_is_learned_from_the_training_part_alone():
    pair = (np.array([[0.0], [2.0]]), np.array([0, 1]))
    scaled = standardised(Arrays(pair, (np.array([[100.0]]), np.array([0])), pair))
    assert scaled.train[0].ravel().tolist() == [-1.0, 1.0]
    assert scaled.validation[0].ravel().tolist() == [8.0]


def test_calibration_picks_the_least_mean_log_excess():
    def losses_of(recipe):
        distance = abs(math.log(recipe.rate / 3e-3)) + abs(recipe.weight_decay - 0.1) + abs(recipe.warmup - 0.1)
        return [1 + distance, 2 + distance]

    best, excess = calibrate.fit(losses_of)
    assert (best.rate, best.weight_decay, best.warmup) == (3e-3, 0.1, 0.1)
    assert excess == pytest.approx(1.0)


def test_no_training_task_is_held_out():
    check_apart(set(TASKS))
    with pytest.raises(ValueError, match=TRAINING_TASKS[0].name):
        check_apart({TRAINING_TASKS[0].name})


def test_missing_data_say_what_to_set(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TRIMTAB_DATA", raising=False)
    with pytest.raises(MissingDataError, match=r"neither in TRIMTAB_DATA \(not set\) nor in the cache: trimtab data get qc"):
        data_path("nltk/qc.zip")
    monkeypatch.setenv("TRIMTAB_DATA", str(tmp_path))
    (tmp_path / "nltk").mkdir()
    (tmp_path / "nltk" / "qc.zip").write_bytes(b"not it")
    with pytest.raises(MissingDataError, match="SHA-256"):
        data_path("nltk/qc.zip")


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_net_is_the_same_for_the_same_seed(name):
    task = TASKS[name]
    model = task.build(0)
    again = task.build(0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert 20 <= task.horizon <= 60


def test_the_calibrated_configuration_is_one_that_was_fitted():
    found = recipes.calibrated()
    assert found.rate in calibrate.RATES
    assert found.weight_decay in calibrate.DECAYS
    assert found.warmup in calibrate.WARMUPS
