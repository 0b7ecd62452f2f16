"""A user's script needs no guard, no importable module and no care for the processes that it starts."""

import os
import select
import signal
import subprocess
import sys

import numpy as np
import pytest

from trimtab.runners.ridge import RidgeTask

DATA = """
import numpy as np
data = np.load("diabetes.npz")
SPLITS = {split: (data[f"{split} inputs"], data[f"{split} targets"]) for split in ("train", "validation", "test")}
"""

SCRIPT = (
    DATA
    + """
import os, sys
from pathlib import Path
from trimtab.runners import ProcessRunner
from trimtab.runners.contract import finished, next_job, root_job
from trimtab.runners.ridge import RidgeTask
from trimtab.store import open_checkpoints

with open("runs", "a") as runs:
    runs.write("once ")

SCALE = 2.0

def scaled(loss):
    return SCALE * loss

class Task(RidgeTask):
    def evaluate(self, state, split):
        print("a line that is nobody's business")
        return {"loss": scaled(super().evaluate(state, split)["loss"]), "worker": os.getpid()}

runner = ProcessRunner(Task(SPLITS), open_checkpoints("checkpoints").url, workers=1)
root = finished(runner, root_job())
print(int(root.after.metrics["worker"]), root.after.metrics["loss"], flush=True)
"""
)

BY_PATH = (
    DATA
    + """
import importlib.util
from trimtab.runners import ProcessRunner
from trimtab.runners.contract import finished, root_job
from trimtab.store import open_checkpoints

import sys
spec = importlib.util.spec_from_file_location("my_task", "elsewhere/my_task.py")
module = importlib.util.module_from_spec(spec)
sys.modules["my_task"] = module
spec.loader.exec_module(module)
runner = ProcessRunner(module.Task(SPLITS), open_checkpoints("checkpoints").url, workers=1)
print(finished(runner, root_job()).after.metrics["mark"])
"""
)

MODULE = """
from trimtab.runners.ridge import RidgeTask

class Task(RidgeTask):
    def evaluate(self, state, split):
        return {**super().evaluate(state, split), "mark": 42.0}
"""


@pytest.fixture(scope="module")
def splits():
    return {
        f"{split} {what}": array
        for split, arrays in RidgeTask().splits.items()
        for what, array in zip(("inputs", "targets"), arrays, strict=True)
    }


@pytest.fixture
def run(tmp_path, splits):
    # a script that loads its data itself takes seconds to import scikit-learn
    np.savez(tmp_path / "diabetes.npz", **splits)
    processes = []

    def run(script, *arguments):
        (tmp_path / "script.py").write_text(script)
        command = [sys.executable, *arguments] if arguments else [sys.executable, "script.py"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def wait_for_end(pid):
    """Return whether process ``pid``, which is not our child, ends within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    return bool(ended)


def test_a_script_without_a_guard_is_run_once_and_its_workers_end_with_it(tmp_path, run):
    process = run(SCRIPT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    worker, loss = output.split()
    assert float(loss) > 0
    assert (tmp_path / "runs").read_text() == "once "
    assert wait_for_end(int(worker))


def test_a_script_from_standard_input_or_the_command_line_works_as_well(tmp_path, run):
    process = run("", "-c", SCRIPT)
    output, errors = process.communicate(timeout=60)
    assert (len(output.split()), errors) == (2, "")


def test_workers_end_when_their_parent_is_killed(run):
    process = run(SCRIPT + "import threading; threading.Event().wait()")
    worker = int(process.stdout.readline().split()[0])
    process.send_signal(signal.SIGKILL)
    assert wait_for_end(worker)


def test_a_worker_that_trains_ends_too_when_its_parent_is_killed(run):
    process = run(
        SCRIPT
        + """
os.mkfifo("begun")

class Endless(Task):
    def advance(self, state, segment, *, progress=lambda: None):
        Path("begun").write_text(str(os.getpid()))
        while True:
            pass

runner = ProcessRunner(Endless(SPLITS), open_checkpoints("checkpoints").url, workers=1)
runner.send(root_job(9))
print(Path("begun").read_text(), flush=True)
import threading; threading.Event().wait()
"""
    )
    process.stdout.readline()
    worker = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    assert wait_for_end(worker)


def test_a_module_that_was_loaded_from_a_path_goes_by_value(tmp_path, run):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "my_task.py").write_text(MODULE)
    output, errors = run(BY_PATH).communicate(timeout=60)
    assert (output, errors) == ("42.0\n", "")


def test_ctrl_c_at_the_terminal_reaches_the_runner_alone(run):
    process = run(
        """
import faulthandler, signal, os, time

faulthandler.dump_traceback_later(50)  # should it ever hang, the failure says where
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background inherit one that is ignored
"""
        + SCRIPT
        + """
worker = int(root.after.metrics["worker"])
os.kill(worker, signal.SIGINT)
try:
    os.killpg(0, signal.SIGINT)
    # another thread may be handed the signal: the main one sees it at its next step, which pause() would never make
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    pass
print(finished(runner, next_job(2, root)).after.metrics["worker"] == worker)
""",
        "-c",
        "import os, runpy; os.setsid(); runpy.run_path('script.py', run_name='__main__')",
    )
    output, errors = process.communicate(timeout=60)
    assert (output.split()[-1], errors) == ("True", "")
