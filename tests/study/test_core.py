"""The core of a study as a state machine: events in, jobs out. A made-up landscape stands for the training."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trimtab as tt
from trimtab.env import resolve
from trimtab.errors import BudgetError
from trimtab.report.evaluation import agent_records, forecasts, reuse
from trimtab.store.records import (
    BoundChanged,
    BranchEnded,
    BudgetExtended,
    Event,
    ForkRequested,
    Job,
    Node,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyFinished,
    WorkersChanged,
)
from trimtab.study.budget import Budget, Spent
from trimtab.study.core import MAX_ATTEMPTS, Core, Plan
from trimtab.study.portfolio import Portfolio
from trimtab.study.recruit import recruit
from trimtab.study.team import Team
from trimtab.task import Measurement

SPACE = tt.Space(
    lr=tt.Float(1e-5, 1.0, log=True), optimizer=tt.Categorical("sgd", "adam"), width=tt.Int(8, 64, log=True, live=False)
)
GOAL = tt.Goal()


def new_core(*, segments: int = 60, horizon: int = 9, seed: int = 0, agent: str = "random", **plan: object) -> Core:
    team = Team(recruit(agent, SPACE, seed=seed), name=agent, space=SPACE, goal=GOAL, reward=resolve("best"))
    return Core(Plan(SPACE, Budget(segments=segments), horizon, seed, **plan), team)


def trained(job: Job) -> SegmentFinished:
    """Return what a training whose best rate is 0.01 would come to: a pure function of the job."""
    off = abs(math.log10(job.settings["lr"]) + 2)
    loss = math.exp(-(job.index + 1) / (1 + off)) + 0.01 * np.random.default_rng(job.seed).random()
    diverged = off > 1.8 and job.index > 0
    after = Measurement({"loss": loss}, loss, steps=10, examples=640, epochs=1.0, status="diverged" if diverged else "finished")
    before = Measurement({"loss": 2.3}, math.nan) if job.parent is None else None
    error = math.inf if diverged else GOAL.error(after.metrics)
    return SegmentFinished(Node(job, None if diverged else f"{job.node:064x}", before, after, error))


def play(core: Core, *, answer: Callable[[Job], Event] = trained, most: int = 10_000) -> list[Event]:
    """Answer the oldest job until none is left, and return everything that was to be committed."""
    committed: list[Event] = []
    while core.jobs and most:
        committed += core.receive(answer(next(iter(core.jobs.values()))))
        most -= 1
    return committed


def begun(**options: object) -> tuple[Core, list[Event]]:
    core = new_core(**options)
    return core, core.receive(WorkersChanged(1))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 4), st.sampled_from(["random", "q-learning", "sarsa"]))
def test_the_budget_is_spent_to_the_last_segment_and_every_path_is_sound(seed: int, workers: int, agent: str) -> None:
    core = new_core(seed=seed, agent=agent)
    core.receive(WorkersChanged(workers))
    assert len(core.jobs) == workers
    committed = play(core)
    assert len(core.tree) == 60
    assert isinstance(committed[-1], StudyFinished)
    for node in core.tree:
        path = core.tree.path(node.id)
        assert [one.job.index for one in path] == list(range(len(path)))
        assert len(path) <= 9
        assert len({one.job.run_seed for one in path}) == 1
        assert all(one.checkpoint is not None for one in path[:-1])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 50), st.integers(1, 3), st.integers(0, 40))
def test_a_study_that_was_cut_off_anywhere_goes_on_as_if_it_had_not_been(seed: int, workers: int, cut: int) -> None:
    whole = new_core(seed=seed, agent="q-learning")
    events = [*whole.receive(WorkersChanged(workers)), *play(whole)]
    again = new_core(seed=seed, agent="q-learning")
    for event in events[: cut + 1]:
        again.receive(event)
    play(again)
    assert [node.job for node in again.tree] == [node.job for node in whole.tree]
    assert [node.reward for node in again.tree] == [node.reward for node in whole.tree]


def test_the_dqn_too_goes_on_as_if_it_had_not_been_cut_off() -> None:
    whole, events = begun(agent="dqn", segments=50)
    events += play(whole)
    again = new_core(agent="dqn", segments=50)
    for event in events[:31]:
        again.receive(event)
    play(again)
    assert [node.job for node in again.tree] == [node.job for node in whole.tree]


def test_a_large_study_seldom_makes_up_its_beliefs_anew_and_does_not_repeat_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(
        Core, "_new_prospect", lambda self, *given, of=Core._new_prospect: made.append(self._paths) or of(self, *given)
    )
    monkeypatch.setattr("trimtab.study.core.GRAINS", 10)
    core, _ = begun(segments=400, horizon=3)
    play(core)
    starts = [node.job.settings for node in core.tree if node.job.parent is None]
    assert len(starts) > 30
    # a favourite of earlier trainings may be begun again
    assert len(set(starts)) >= len(starts) - 2
    early, late = (sum(low <= paths < low + 20 for paths in made) for low in (0, 80))
    assert 0 < late < 0.6 * early, (early, late, made[-1])


def test_the_users_settings_come_first_and_in_order() -> None:
    starts = (SPACE.default().replace(lr=1e-5), SPACE.default().replace(lr=1e-4))
    core, _ = begun(starts=starts)
    play(core)
    roots = [node.job.settings for node in core.tree if node.job.parent is None]
    assert tuple(roots[:2]) == starts
    assert len(roots) > 3


def test_siblings_share_their_seed_and_differ_in_their_settings() -> None:
    core, _ = begun(segments=120)
    play(core)
    forks = [node for node in core.tree if node.job.choice.kind == "fork"]
    assert forks
    for node in forks:
        assert node.job.parent is not None
        siblings = [other for other in core.tree.children(node.job.parent) if other.id != node.id]
        assert all(other.job.seed == node.job.seed for other in siblings)


def test_the_race_finds_the_rate_that_trains_best() -> None:
    core, _ = begun(segments=200, agent="dqn")
    play(core)
    assert core.tree.best is not None
    assert 1e-3 < core.tree.best.job.settings["lr"] < 1e-1


def test_most_runs_are_left_early_and_one_is_finished() -> None:
    core, _ = begun(segments=120)
    committed = play(core)
    depth = {}
    for node in core.tree:
        depth[node.job.root] = max(depth.get(node.job.root, 0), node.job.index + 1)
    assert max(depth.values()) == 9
    assert sum(reached < 9 for reached in depth.values()) >= len(depth) / 2
    assert any(isinstance(event, BranchEnded) and event.by == "study" for event in committed)


def test_a_run_that_only_gets_worse_ends_and_its_best_segment_can_be_forked() -> None:
    def overfitted(job: Job) -> SegmentFinished:
        node = trained(job).node
        loss = 0.5 * math.exp(0.3 * abs(job.index - 2))
        after = Measurement({"loss": loss}, 0.01, steps=10, examples=640, epochs=1.0)
        return SegmentFinished(Node(job, f"{job.node:064x}", node.before, after, GOAL.error(after.metrics)))

    core, _ = begun(segments=120)
    committed = play(core, answer=overfitted)
    ends = {event.node for event in committed if isinstance(event, BranchEnded) and event.reason.startswith("it got worse")}
    assert ends
    assert not any(core.tree.children(node) for node in ends)
    # the lowest is at the third segment, and three that are far above it are a third of this run
    assert max(node.job.index for node in core.tree) == 5
    assert any(node.job.choice.kind == "fork" for node in core.tree)


def test_a_lost_segment_is_run_again_and_given_up_after_three_times() -> None:
    core, _ = begun()
    job = next(iter(core.jobs.values()))
    for attempt in range(1, MAX_ATTEMPTS):
        core.receive(SegmentFailed(job, "lost", "killed by signal 9"))
        assert job.node in core.jobs, attempt
    core.receive(SegmentFailed(job, "lost", "killed by signal 9"))
    assert job.node not in core.jobs


def test_a_task_that_raises_ends_its_run_and_not_the_study() -> None:
    def sometimes(job: Job) -> Event:
        return SegmentFailed(job, "error", "ValueError: no") if job.settings["optimizer"] == "sgd" else trained(job)

    core, _ = begun(seed=3)
    play(core, answer=sometimes)
    assert core.tree.best is not None
    assert all(node.job.settings["optimizer"] == "adam" for node in core.tree)
    assert core.spent.segments == 60


def test_a_task_that_always_raises_ends_the_study_at_once() -> None:
    core, _ = begun()
    committed = play(core, answer=lambda job: SegmentFailed(job, "error", "ValueError: no"))
    assert len(core.failures) == 3
    assert isinstance(committed[-1], StudyFinished)
    assert "ValueError: no" in committed[-1].reason


def test_a_fixed_setting_holds_and_can_be_set_free() -> None:
    core, _ = begun()
    play(core, most=5)
    core.receive(SettingFixed("lr", 0.5))
    open_before = set(core.jobs)
    play(core, most=10)
    later = [node.job for node in core.tree if node.id > max(open_before)]
    assert later
    assert all(job.settings["lr"] == 0.5 for job in later)
    core.receive(SettingFixed("lr", None))
    play(core)
    assert len({node.job.settings["lr"] for node in core.tree}) > 3


def test_a_changed_bound_holds() -> None:
    core, _ = begun()
    play(core, most=5)
    core.receive(BoundChanged("lr", 1e-3, 1e-2))
    known = max(core.jobs)
    play(core)
    assert all(1e-3 <= node.job.settings["lr"] <= 1e-2 for node in core.tree if node.id > known)


def test_an_ended_branch_is_not_continued() -> None:
    core, _ = begun()
    play(core, most=2)
    leaf = core.tree.leaves()[0].id
    running = set(core.jobs)
    core.receive(BranchEnded(leaf, "enough", "user"))
    play(core)
    assert all(child.id in running for child in core.tree.children(leaf))


def test_a_fork_that_the_user_wants_is_next() -> None:
    core, _ = begun()
    play(core, most=4)
    wanted = core.tree[2].job.settings.replace(lr=0.03)
    core.receive(ForkRequested(2, wanted))
    known = max(core.jobs)
    play(core, most=2)
    fork = core.tree[known + 1]
    assert (fork.job.parent, fork.job.settings, fork.job.choice.kind) == (2, wanted, "user")


def test_an_extended_budget_goes_on() -> None:
    core, _ = begun()
    play(core)
    assert core.finished
    core.receive(BudgetExtended({"segments": 80}))
    play(core)
    assert len(core.tree) == 80


def test_budgets_in_other_units_end_too() -> None:
    for unit, amount, segments in (("epochs", 30, 30), ("examples", 6400, 10), ("evaluations", 20, None)):
        team = Team(recruit("random", SPACE, seed=0), name="random", space=SPACE, goal=GOAL, reward=resolve("best"))
        core = Core(Plan(SPACE, Budget(**{unit: amount}), 9, 0), team)
        core.receive(WorkersChanged(1))
        play(core)
        assert core.finished
        assert segments is None or len(core.tree) == segments


def test_what_is_predicted_is_recorded_with_every_decision() -> None:
    core, _ = begun(agent="dqn", segments=30)
    play(core)
    decided = [node.job.choice for node in core.tree if node.job.choice.kind == "continue"]
    assert decided
    for choice in decided:
        assert choice.predicted is not None
        assert [head.name for head in choice.heads] == list(SPACE.live)
        assert all(len(head.values) == len(head.moves) == len(head.spreads) for head in choice.heads)
        assert all(math.isfinite(value) for _, value in choice.features)


@pytest.mark.parametrize(
    ("given_budget", "words"),
    [({}, "at least one of"), ({"segments": 0}, "Budget.segments: expected a positive"), ({"seconds": -1.0}, "seconds"),
     ({"segments": 2.5}, "whole number"), ({"epochs": math.inf}, "epochs"), ({"examples": "many"}, "examples")],
)  # fmt: skip
def test_a_budget_that_cannot_be_spent_is_named(given_budget: dict, words: str) -> None:
    with pytest.raises(BudgetError, match=words):
        Budget(**given_budget)


def test_a_budget_in_a_unit_that_is_not_counted_is_named() -> None:
    with pytest.raises(BudgetError, match="counts none of epochs"):
        Budget(epochs=3).segments_left(Spent(segments=4))


def portfolio(*names: str, seed: int = 0) -> Portfolio:
    teams = [Team(recruit(name, SPACE, seed=seed), name=name, space=SPACE, goal=GOAL, reward=resolve("best")) for name in names]
    return Portfolio(teams, seed=seed)


def played(*names: str, segments: int = 120, seed: int = 0) -> Core:
    core = Core(Plan(SPACE, Budget(segments=segments), 9, seed), portfolio(*names, seed=seed))
    core.receive(WorkersChanged(1))
    play(core)
    return core


def test_each_path_belongs_to_one_team_and_all_learn_from_it() -> None:
    core = played("q-learning", "random")
    for node in core.tree:
        if node.job.choice.kind == "continue" and node.job.index > 1:
            before = core.tree[node.job.parent].job.choice.heads
            assert {head.agent for head in node.job.choice.heads} == {head.agent for head in before}
    names = {head.agent for node in core.tree for head in node.job.choice.heads}
    assert names == {"q-learning", "random"}


def test_it_goes_on_as_if_it_had_not_been_cut_off() -> None:
    whole = played("q-learning", "sarsa", "random")
    again = Core(Plan(SPACE, Budget(segments=120), 9, 0), portfolio("q-learning", "sarsa", "random"))
    for event in [WorkersChanged(1), *(SegmentFinished(node) for node in list(whole.tree)[:50])]:
        again.receive(event)
    play(again)
    assert [node.job for node in again.tree] == [node.job for node in whole.tree]


def test_the_team_that_does_better_is_given_more() -> None:
    both = portfolio("q-learning", "random")
    for node, gain in enumerate([0.05, -0.05] * 40, start=1):
        both._owners[node] = (node + 1) % 2
        both.credit(node, gain)
    drawn = [both._draw() for _ in range(202)]
    assert drawn.count(0) > 190


def test_the_record_tells_who_decided_what_it_earned_and_what_was_expected() -> None:
    core = played("q-learning", "random", segments=200)
    records = agent_records(core.tree)
    assert {record.name for record in records} == {"q-learning", "random"}
    assert sum(record.segments for record in records) == sum(bool(node.job.choice.heads) for node in core.tree)
    seen = forecasts(core.tree)
    assert seen is not None
    assert 0 <= seen.within <= 1
    assert 0 < reuse(core.tree) <= 1
    empty, _ = begun(segments=1)
    assert (agent_records(empty.tree), forecasts(empty.tree), reuse(empty.tree)) == ([], None, 0.0)


def test_predictions_are_recorded_with_every_choice() -> None:
    core = played("q-learning")
    chosen = [node.job.choice for node in core.tree if node.job.choice.kind == "continue"]
    assert all(choice.predicted is not None and choice.predicted[1] > 0 for choice in chosen)
    assert all(choice.worth is not None and np.isfinite(choice.worth[0]) for choice in chosen)


def test_a_users_fork_that_diverges_is_left() -> None:
    core, _ = begun(segments=40)
    play(core, most=12)
    leaf = next(node for node in core.tree if node.checkpoint is not None and node.job.index < 7)
    core.receive(ForkRequested(leaf.id, leaf.job.settings.replace(lr=1.0)))
    play(core)
    forked = next(node for node in core.tree if node.job.choice.kind == "user")
    assert forked.checkpoint is None
    assert not core.tree.children(forked.id)
    assert len(core.tree) == 40


def test_starts_that_fail_count_as_worse_than_any_other() -> None:
    core, _ = begun(segments=60)

    def answer(job: Job) -> Event:
        return SegmentFailed(job, "error", "no room") if job.parent is None and job.node > 1 else trained(job)

    play(core, answer=answer, most=40)
    failed = [event.job.settings for event in core.failures]
    results = core.outlook.results(failed)
    assert len(results) == 1 + len(failed)
    assert not failed or results[-1].error > results[0].error
