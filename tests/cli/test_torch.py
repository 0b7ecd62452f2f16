"""The commands that need a real PyTorch training: handwritten digits, as in the examples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[2] / "examples" / "digits.py"


@pytest.mark.slow
def test_digits_from_run_to_code_without_trimtab(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    ran = call("run", f"{DIGITS}:study", "--segments", 6, "--workers", 2, "--json", "-q")
    assert ran.code == 0, ran.err
    assert ran.data["workers"] == 2
    replayed = call("replay", "digits.db", "--seeds", 1, "--json", "-q")
    assert replayed.data["same"] is True, "workers and this process give the same bits"
    assert call("export", "digits.db", "-o", "schedule.py", "-o", "schedule.json").code == 0
    code = (tmp_path / "schedule.py").read_text()
    assert "import trimtab" not in code
    compile(code, "schedule.py", "exec")
    found = {one["name"]: one for one in call("doctor", f"{DIGITS}:study", "--json").data}
    assert found["data"]["text"] == "train 1077, validation 360, test 360"


@pytest.mark.slow
def test_the_same_file_goes_on_as_a_script_and_as_a_command(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        f"import sys; sys.path.insert(0, {str(DIGITS.parents[1])!r})\n"
        "import trimtab as tt\nfrom examples.digits import study as make\n"
        "study = make(budget=tt.Budget(segments=2))\n"
        "if __name__ == '__main__':\n    study.run()\n"
    )
    subprocess.run([sys.executable, "mine.py"], check=True, cwd=tmp_path)
    assert (
        call("resume", "digits.db", "--task", "mine.py:study", "--segments", 3, "--json", "-q").data["spent"]["segments"] == 3
    )


@pytest.mark.slow
def test_a_run_with_an_audit_split_tells_what_it_says(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "mine.py").write_text(
        f"import sys; sys.path.insert(0, {str(DIGITS.parents[1])!r})\n"
        "import trimtab as tt\nfrom examples import digits\n"
        "x, y = digits.make_task().splits['validation'].tensors\n"
        "task = digits.make_task()\n"
        "task = tt.TorchTask(build=task.build, train=task.splits['train'].tensors, validation=(x[:180], y[:180]),"
        " audit=(x[180:], y[180:]))\n"
        "study = tt.Study(task, digits.SPACE, budget=tt.Budget(segments=4), horizon=4, store='audited.db')\n"
    )
    ran = call("run", "mine.py:study", "-q")
    assert ran.code == 0, ran.err
    assert "on the audit split: a gap of" in " ".join(ran.err.split())
    told = call("run", "mine.py:study", "--json", "-q").data["audit"]
    assert told["node"] >= 1
    assert told["validation"] == pytest.approx(call("show", "audited.db", "--json").data["best"]["error"])
