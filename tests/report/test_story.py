from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from trimtab.report import tell
from trimtab.report.branches import branches
from trimtab.report.importance import change_worths, spearman, start_correlations
from trimtab.report.lanes import MOST_LANES, SHADES, lay_out
from trimtab.report.scales import Scale, fit
from trimtab.store.records import BudgetExtended, SegmentFinished, StudyCreated
from trimtab.task import Goal


def finished(events):
    return [event.node for event in events if isinstance(event, SegmentFinished)]


def test_the_best_segment_is_the_one_with_the_lowest_error_and_its_path_leads_there_from_a_root(events, goal):
    story = tell(events, goal)
    lowest = min((node for node in finished(events) if math.isfinite(node.error)), key=lambda node: node.error)
    assert story.best is not None
    assert story.best.id == lowest.id
    assert story.best_path[0].node.job.parent is None
    assert [account.id for account in story.best_path[:-1]] == [account.node.job.parent for account in story.best_path[1:]]


def test_every_finished_segment_has_an_account_in_the_order_of_commit(events, goal):
    assert list(tell(events, goal).accounts) == [node.id for node in finished(events)]


def test_changes_are_what_differs_from_the_parent(events, goal):
    story = tell(events, goal)
    settings = {node.id: node.job.settings for node in finished(events)}
    for account in story.accounts.values():
        parent = account.node.job.parent
        if parent is None:
            assert account.changes == ()
            continue
        for change in account.changes:
            assert settings[parent][change.name] == change.before != change.after == account.node.job.settings[change.name]
        rebuilt = settings[parent].replace(**{change.name: change.after for change in account.changes})
        assert rebuilt == account.node.job.settings


def test_rewards_along_the_best_path_add_up_to_its_whole_improvement(events, goal):
    story = tell(events, goal)
    total = sum(account.node.reward for account in story.best_path)
    assert total == pytest.approx(story.best_path[0].error_before - story.best_path[-1].node.error)


def test_what_was_ended_failed_and_asked_for_is_told(events, goal):
    story = tell(events, goal)
    assert {ending.by for ending in story.endings} == {"study", "user"}
    assert [failure.message for failure in story.failures] == ["ValueError: expected 64 columns, got 63"]
    assert len(story.overrides) == 4
    assert story.finished == "the budget is spent"
    assert sum(account.diverged for account in story.accounts.values()) == 2


def test_the_budget_is_the_latest_one(events, goal):
    assert tell(events, goal).budget == {"segments": 60}
    assert tell([*events, BudgetExtended({"segments": 90})], goal).budget == {"segments": 90}


def test_an_empty_study_has_a_story(goal):
    story = tell([], goal)
    assert (story.best, story.best_path, story.names, story.spent.segments) == (None, (), (), 0)


def test_a_space_of_a_later_version_does_not_stop_the_telling(goal):
    assert tell([StudyCreated({"space": {"lr": {"kind": "quaternion"}}}, "", None)], goal).space is None


def test_branches_cut_the_tree_without_loss_and_hang_below_their_parents(events, large_events, goal):
    for each in (events, large_events[:2000]):
        story = tell(each, goal)
        lanes = branches(story)
        assert sorted(account.id for branch in lanes for account in branch.accounts) == sorted(story.accounts)
        seen: set[int] = set()
        for branch in lanes:
            assert branch.parent is None or branch.parent in seen
            seen.update(account.id for account in branch.accounts)
        assert {account.id for account in story.best_path} <= {
            account.id for branch in lanes for account in branch.accounts if branch in lanes[:1] or branch.parent in seen
        }


def test_the_first_lane_holds_the_best_segment(events, large_events, goal):
    for each in (events, large_events):
        story = tell(each, goal)
        assert story.best in branches(story)[0].accounts


def test_no_two_segments_are_drawn_at_the_same_place(events, goal):
    dots = lay_out(tell(events, goal)).dots
    assert len({(dot.x, dot.y) for dot in dots}) == len(dots) == len(finished(events))


def test_a_large_tree_is_thinned_out_but_keeps_the_best_segment_and_says_what_it_hides(large_events, goal):
    story = tell(large_events, goal)
    drawing = lay_out(story)
    assert drawing.height < 2000
    assert len({dot.y for dot in drawing.dots}) <= MOST_LANES + 20
    assert story.best.id in {dot.id for dot in drawing.dots if dot.best}
    assert len(drawing.dots) + drawing.hidden_segments == len(story.accounts)


def test_shades_follow_the_error(events, goal):
    story = tell(events, goal)
    dots = {dot.id: dot for dot in lay_out(story).dots}
    assert dots[story.best.id].shade == SHADES - 1
    for account in story.accounts.values():
        assert (dots[account.id].shade == -1) == account.diverged


def test_an_axis_holds_what_it_was_fitted_to_and_its_ticks():
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = (10 ** rng.uniform(-6, 6)) * rng.normal(size=5)
        scale = fit([*values, math.nan, math.inf])
        assert all(0 <= scale.place(value) <= 1 for value in values)
        ticks = scale.ticks(5)
        assert 1 <= len(ticks) <= 6
        assert all(-1e-6 <= scale.place(tick) <= 1 + 1e-6 for tick in ticks)


def test_a_logarithmic_axis_places_decades_evenly():
    scale = Scale(0.01, 100.0, log=True)
    assert [scale.place(value) for value in (0.01, 0.1, 1.0, 10.0, 100.0)] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert scale.ticks(5) == pytest.approx([0.01, 0.1, 1.0, 10.0, 100.0])


def test_rank_correlation_by_hand():
    # ranks 1 2.5 2.5 4 against 1 2 3 4: covariance 4.5/4, deviations sqrt(4.5/4) and sqrt(5/4)
    assert spearman([1, 2, 2, 9], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert spearman([1, 1, 1], [1, 2, 3]) == 0.0


def test_a_change_that_always_pays_is_worth_its_extra_reward(large_events):
    story = tell(large_events[:1200], Goal())
    changed = {account.id: any(change.name == "lr" for change in account.changes) for account in story.accounts.values()}
    paid = [
        replace(event, node=replace(event.node, reward=10.0 * event.node.job.index + 0.5 * changed[event.node.id]))
        for event in large_events[1:1200]
    ]
    worth = next(worth for worth in change_worths(tell([large_events[0], *paid], Goal())) if worth.name == "lr")
    # the place in the run, which earns twenty times as much, is taken out; the half is left
    assert (worth.difference, worth.low, worth.high) == pytest.approx((0.5, 0.5, 0.5))
    assert worth.changed == sum(changed.values())


def test_few_runs_are_not_correlated(events, large_events, goal):
    assert start_correlations(tell(events, goal)) == []
    assert all(abs(each.correlation) <= 1 for each in start_correlations(tell(large_events[:3000], goal)))
