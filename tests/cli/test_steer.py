"""trimtab fork and override."""

from __future__ import annotations

import pytest

from trimtab.space import Settings
from trimtab.store import open_journal
from trimtab.store.records import BoundChanged, BranchEnded, ForkRequested, SettingFixed


def left(folder):
    """Return what waits in the store, as the process that runs the study would take it."""
    return open_journal(folder / "study.db", "study", create=False).requests()


def open_nodes(call):
    """Return the nodes that can be forked."""
    nodes = call("tree", "study.db", "--json").data
    return [node for node in nodes if node["checkpoint"] and node["segment"] < node["horizon"]]


def test_overrides_are_left_for_whoever_runs_the_study(finished, call):
    answer = call("override", "study.db", "--fix", "lr=0.01", "--free", "kind", "--bound", "lr=1e-3:0.1", "--end", 1, "--json")
    assert answer.code == 0
    assert answer.data["requested"] == [
        "lr fixed at 0.01",
        "kind set free",
        "lr kept in [0.001, 0.1]",
        "the branch at node 1 ended",
    ]
    assert left(finished) == [
        SettingFixed("lr", 0.01),
        SettingFixed("kind", None),
        BoundChanged("lr", 0.001, 0.1),
        BranchEnded(1, "ended by the user", "user"),
    ]


def test_values_are_read_as_what_the_space_says(finished, call):
    assert call("override", "study.db", "--fix", "kind=heavy", "--fix", "noisy=yes").code == 0
    assert left(finished) == [SettingFixed("kind", "heavy"), SettingFixed("noisy", True)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("--fix", "--free", "--bound", "--end")),
        (("--fix", "lr"), ("NAME=VALUE", "'lr'")),
        (("--fix", "lr=fast"), ("lr", "a number", "'fast'")),
        (("--fix", "lr=9"), ("lr", "[0.0001, 2]", "9")),
        (("--fix", "speed=1"), ("'speed'", "lr, kind, noisy, width")),
        (("--fix", "width=4"), ("width", "start")),
        (("--fix", "kind=light"), ("plain, heavy", "'light'")),
        (("--fix", "noisy=maybe"), ("yes or no", "'maybe'")),
        (("--fix", "lr=0.1", "--fix", "lr=0.2"), ("lr", "twice")),
        (("--free", "speed"), ("speed", "lr, kind, noisy")),
        (("--bound", "lr=1e-3"), ("NAME=LOW:HIGH",)),
        (("--bound", "lr=0.1:0.01"), ("low < high",)),
        (("--bound", "lr=1e-9:0.01"), ("[0.0001, 2]",)),
        (("--bound", "kind=1:2"), ("numeric", "'kind'")),
        (("--end", "99"), ("99", "1 to 12")),
    ],
)
def test_a_wrong_override_says_what_may_be_and_leaves_nothing(shared, call, arguments, words):
    answer = call("override", "study.db", *arguments)
    assert answer.code == 2
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err.replace("\n", " ")
    assert left(shared) == []


def test_no_run_only_records_the_fork(finished, call):
    node = open_nodes(call)[0]
    answer = call("fork", "study.db", node["node"], "--set", "lr=0.25", "--no-run", "--json")
    assert answer.code == 0
    wanted = Settings({**node["settings"], "lr": 0.25})
    assert left(finished) == [ForkRequested(node["node"], wanted)]
    assert call("show", "study.db", "--json").data["spent"]["segments"] == 12


def test_a_fork_is_run_although_the_budget_was_spent(finished, call):
    node = open_nodes(call)[0]["node"]
    answer = call("fork", "study.db", node, "--set", "lr=0.25", "--json", "-q")
    assert answer.code == 0, answer.err
    forked = [one for one in call("tree", "study.db", "--json").data if one["kind"] == "user"]
    assert [(one["parent"], one["settings"]["lr"]) for one in forked] == [(node, 0.25)]
    assert forked[0]["node"] == 13, "the fork comes before anything else that the new budget allows"


def test_what_is_asked_of_a_finished_study_counts_when_it_goes_on(finished, call):
    assert call("override", "study.db", "--fix", "lr=0.125").code == 0
    before = call("show", "study.db", "--json").data
    assert call("resume", "study.db", "-q").code == 0
    after = call("show", "study.db", "--json").data
    assert (after["ended"], after["status"], after["spent"]) == (before["ended"], "finished", before["spent"])
    assert call("resume", "study.db", "--segments", 15, "-q").code == 0
    assert {node["settings"]["lr"] for node in call("tree", "study.db", "--json").data[12:]} == {0.125}


def test_a_fork_whose_task_is_gone_is_kept_for_later(finished, call):
    (finished / "task.py").unlink()
    node = open_nodes(call)[0]["node"]
    answer = call("fork", "study.db", node, "--set", "lr=0.25")
    assert answer.code == 0
    assert "not run" in answer.err
    assert len(left(finished)) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("99",), ("99", "1 to 12")),
        (("1", "--set", "lr=9"), ("lr", "[0.0001, 2]")),
        (("1", "--set", "width=4"), ("width", "start")),
        (("1", "--set", "speed=4"), ("'speed'",)),
        (("one",), ("NODE", "integer")),
    ],
)
def test_a_wrong_fork_is_refused(shared, call, arguments, words):
    answer = call("fork", "study.db", *arguments)
    assert answer.code == 2
    for word in words:
        assert word in answer.err
    assert left(shared) == []


def test_the_last_segment_of_a_run_cannot_be_forked(shared, call):
    ends = [node for node in call("tree", "study.db", "--json").data if node["segment"] == node["horizon"]]
    assert ends
    answer = call("fork", "study.db", ends[0]["node"])
    assert answer.code == 2
    assert "last of its run" in answer.err
