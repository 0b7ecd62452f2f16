"""trimtab doctor."""

from __future__ import annotations


def found(answer):
    return {one["name"]: one for one in answer.data}


def test_doctor_looks_at_the_machine_and_leaves_the_folder_as_it_was(folder, call):
    before = sorted(folder.iterdir())
    answer = call("doctor", "--json")
    assert answer.code == 0
    assert {"trimtab", "libraries", "device", "disk", "fsync", "store", "plot", "wandb"} <= found(answer).keys()
    assert sorted(folder.iterdir()) == before


def test_doctor_looks_at_a_study_without_training_it(folder, call):
    answer = call("doctor", "task.py:study", "--json")
    assert answer.code == 0
    assert "12 segments" in found(answer)["study"]["text"]
    assert found(answer)["checkpoint"]["state"] == "good"
    assert not (folder / "study.db").exists()


def test_doctor_fails_where_the_training_cannot_begin(folder, call):
    task = folder / "task.py"
    task.write_text(task.read_text().replace("1.0 + (seed % 1000) / 1000", 'float("inf")'))
    answer = call("doctor", "task.py:study", "--json")
    assert answer.code == 1
    assert found(answer)["before training"]["state"] == "bad"
    assert found(answer)["before training"]["advice"]


def test_doctor_finds_a_checkpoint_that_forgets(folder, call):
    task = folder / "task.py"
    task.write_text(task.read_text().replace("return json.loads(checkpoint)", 'return {"x": 0.5}'))
    answer = call("doctor", "task.py:study", "--json")
    assert answer.code == 1
    assert found(answer)["checkpoint"]["state"] == "bad"


def test_doctor_shows_the_line_of_a_model_that_raises(folder, call):
    task = folder / "task.py"
    task.write_text(task.read_text().replace('return {"x": 1.0 + (seed % 1000) / 1000}', "return 1 / 0"))
    answer = call("doctor", "task.py:study")
    assert answer.code == 2
    assert "return 1 / 0" in answer.err
