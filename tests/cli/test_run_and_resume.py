"""trimtab run and resume."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.store import open_journal
from trimtab.store.records import SegmentFinished


def segments(store: Path) -> int:
    events = open_journal(store, "study", create=False, read_only=True).read()
    return sum(isinstance(event, SegmentFinished) for event in events)


def test_run_spends_the_budget_and_says_what_came_of_it(folder, call):
    answer = call("run", "task.py:study")
    assert answer.code == 0
    assert "12 of 12 segments" in answer.out
    assert "best" in answer.out
    assert segments(folder / "study.db") == 12


def test_json_is_all_that_is_on_stdout(folder, call):
    answer = call("run", "task.py:noisy", "--json")
    assert answer.data["status"] == "finished"
    assert answer.data["spent"]["segments"] == 12
    assert "words that the user's code prints" in answer.err


def test_progress_is_on_stderr_and_quiet_leaves_it_out(folder, call):
    assert "12 of 12 segments" in call("run", "task.py:study").err
    assert "segments" not in call("run", "task.py:study", "--store", "other.db", "--quiet", "--json").err


def test_a_study_object_can_be_run_as_well_as_a_function(folder, call):
    assert call("run", "task.py:made", "--quiet").code == 0
    assert segments(folder / "made.db") == 12


def test_run_again_changes_nothing_that_is_finished(shared, call):
    before = call("tree", "study.db", "--json").out
    assert call("run", "task.py:study", "--quiet").code == 0
    assert call("tree", "study.db", "--json").out == before


def test_options_change_the_store_the_name_and_the_budget(folder, call):
    answer = call("run", "task.py:study", "--store", "mine.db", "--study", "second", "--segments", 6, "--json", "-q")
    assert (answer.data["study"], answer.data["spent"]["segments"]) == ("second", 6)
    assert (folder / "mine.db").exists()


def test_resume_finds_the_task_from_another_folder(finished, call, monkeypatch):
    elsewhere = finished / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    answer = call("resume", finished / "study.db", "--segments", 16, "--json", "-q")
    assert answer.code == 0
    assert answer.data["spent"]["segments"] == 16
    assert answer.data["budget"] == {"segments": 16}


def test_resume_keeps_the_budget_that_the_store_knows(folder, call):
    assert call("run", "task.py:study", "--segments", 6, "-q").code == 0
    assert call("resume", "study.db", "--json", "-q").data["spent"]["segments"] == 6


def test_resume_takes_the_task_from_another_file_if_it_has_moved(finished, call):
    (finished / "task.py").rename(finished / "moved.py")
    missing = call("resume", "study.db")
    assert missing.code == 2
    assert "task.py" in missing.err
    assert call("resume", "study.db", "--task", "moved.py:study", "-q").code == 0


def test_resume_does_not_begin_its_display_at_zero(folder, call):
    assert call("run", "task.py:study", "--segments", 6, "-q").code == 0
    progress = call("resume", "study.db", "--segments", 8).err
    assert "7 of 8 segments" in progress or "8 of 8 segments" in progress
    assert "1 of 8 segments" not in progress


def test_a_study_begun_by_a_script_says_how_to_go_on(folder, call):
    (folder / "script.py").write_text("from task import study\nstudy().run()\n")
    subprocess.run([sys.executable, "script.py"], check=True, cwd=folder)
    answer = call("resume", "study.db")
    assert answer.code == 2
    assert "script.py" in answer.err
    assert "--task" in answer.err


@pytest.mark.slow
def test_two_workers_run_a_file_that_only_its_own_folder_knows(folder, tmp_path_factory):
    (folder / "shapes.py").write_text("SCALE = 1.0\n")
    task = folder / "task.py"
    task.write_text(
        task.read_text().replace("import math\n", "import math\nimport shapes\n").replace("* 2 *", "* 2 * shapes.SCALE *")
    )
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = subprocess.run(
        [sys.executable, "-m", "trimtab.cli", "run", f"{task}:study", "--workers", "2", "--json", "-q"],
        cwd=elsewhere, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert segments(elsewhere / "study.db") == 12


@pytest.mark.slow
def test_ctrl_c_ends_in_good_order_with_130_and_resume_goes_on(folder, call):
    task = folder / "task.py"
    task.write_text(task.read_text().replace("for _ in range(4):", "import time; time.sleep(0.2)\n        for _ in range(4):"))
    process = subprocess.Popen(
        [sys.executable, "-m", "trimtab.cli", "run", "task.py:study"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "of 12 segments" in first
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "trimtab resume study.db" in err
    done = segments(folder / "study.db")
    assert 1 <= done < 12
    assert call("resume", "study.db", "--json", "-q").data["spent"]["segments"] == 12
