"""trimtab replay and export."""

from __future__ import annotations

import json

from trimtab.study import Schedule


def test_its_own_seed_gives_the_same_metrics_and_others_a_range(shared, call):
    data = call("replay", "study.db", "--seeds", 3, "--json").data
    assert data["same"] is True
    assert data["own_seed"]["metrics"] == data["recorded"]
    values = sorted(run["metrics"]["loss"] for run in data["other_seeds"])
    assert len(values) == 3
    assert data["spread"]["loss"] == {"median": values[1], "low": values[0], "high": values[2], "lost": 0}


def test_replay_prints_a_table(shared, call):
    answer = call("replay", "study.db", "--seeds", 2)
    assert answer.code == 0
    for word in ("as recorded", "its own, again", "to the last bit", "other 2", "median"):
        assert word in answer.out


def test_any_node_can_be_replayed(shared, call):
    data = call("replay", "study.db", "--seeds", 0, "--node", 1, "--json").data
    assert (data["node"], data["own_seed"]["segments"], data["same"]) == (1, 1, True)
    unknown = call("replay", "study.db", "--node", 99)
    assert unknown.code == 2
    assert "99" in unknown.err


def test_a_task_that_has_changed_is_refused(finished, call):
    task = finished / "task.py"
    task.write_text(task.read_text().replace('return "parabola"', 'return "cubic"'))
    answer = call("replay", "study.db")
    assert answer.code == 2
    assert "not the task" in answer.err


def test_a_training_that_gives_something_else_fails(finished, call):
    task = finished / "task.py"
    task.write_text(task.read_text().replace("for _ in range(4)", "for _ in range(5)"))
    answer = call("replay", "study.db", "--seeds", 0)
    assert answer.code == 1
    assert "not the same" in answer.out


def test_a_schedule_is_exported_as_data_without_the_task(finished, call):
    (finished / "task.py").unlink()
    assert call("export", "study.db", "-o", "schedule.json").code == 0
    printed = call("export", "study.db", "--json").data
    assert json.loads((finished / "schedule.json").read_text()) == printed
    assert Schedule.load(finished / "schedule.json").to_record() == printed


def test_a_task_that_is_not_of_torch_has_no_code(shared, call):
    answer = call("export", "study.db", "-o", "schedule.py")
    assert answer.code == 2
    assert "schedule.json" in answer.err


def test_only_code_and_data_can_be_written(shared, call):
    answer = call("export", "study.db", "-o", "schedule.txt")
    assert answer.code == 2
    assert ".py or .json" in answer.err
