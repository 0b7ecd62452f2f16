import os
import select
import signal
import sys
import threading

import pytest

from trimtab.errors import RunnerError
from trimtab.runners import ProcessRunner, run_segment
from trimtab.runners.contract import RunnerContract, finished, next_job, root_job, timeless
from trimtab.runners.ridge import RidgeTask
from trimtab.store import open_checkpoints
from trimtab.store.records import SegmentFailed, SegmentFinished


class TestOneWorker(RunnerContract):
    def make(self, task, checkpoints):
        return ProcessRunner(task, checkpoints.url, workers=1)


class TestTwoWorkers(RunnerContract):
    def make(self, task, checkpoints):
        return ProcessRunner(task, checkpoints.url, workers=2)


class Interrupted(RidgeTask):
    """Tells its process id in the middle of its first segment, then waits for what will happen to it."""

    def __init__(self, folder):
        super().__init__()
        self.said, self.once = folder / "said", folder / "once"
        os.mkfifo(self.said)

    def advance(self, state, segment, *, progress=lambda: None):
        measurement = super().advance(state, segment, progress=progress)
        if not self.once.exists():
            self.once.touch()
            print("in the middle of it", flush=True)
            self.said.write_text(str(os.getpid()))
            threading.Event().wait()
        return measurement

    def worker(self):
        """Return the process id that was told, once it is."""
        with os.fdopen(os.open(self.said, os.O_RDONLY | os.O_NONBLOCK)) as said:
            assert select.select([said], [], [], 60)[0]
            return int(said.read())


class Exiting(RidgeTask):
    def advance(self, state, segment, *, progress=lambda: None):
        os._exit(3)


@pytest.fixture
def start():
    runners = []

    def start(task, place, **options):
        runners.append(ProcessRunner(task, open_checkpoints(place).url, **options))
        return runners[-1]

    yield start
    for runner in runners:
        runner.close()


def test_a_worker_killed_in_mid_segment_loses_it_and_the_next_gives_the_same_result(tmp_path, start):
    task = Interrupted(tmp_path)
    runner = start(task, tmp_path / "one", workers=1)
    runner.send(root_job())
    os.kill(task.worker(), signal.SIGKILL)
    outcome = runner.receive(60)
    assert isinstance(outcome, SegmentFailed)
    assert outcome.cause == "lost"
    assert "SIGKILL" in outcome.message
    assert "in the middle of it" in outcome.message
    assert runner.receive(0.0) is None
    again = finished(runner, outcome.job)
    alone = run_segment(RidgeTask(), root_job(), open_checkpoints(tmp_path / "two"))
    assert repr(timeless(SegmentFinished(again))) == repr(timeless(alone))


def test_a_worker_that_hangs_past_its_lease_is_replaced(tmp_path, start):
    task = Interrupted(tmp_path)
    runner = start(task, tmp_path / "checkpoints", workers=1, lease_seconds=2.0)
    runner.send(root_job())
    worker = task.worker()
    outcome = runner.receive(60)
    assert isinstance(outcome, SegmentFailed)
    assert outcome.cause == "hung"
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert finished(runner, root_job()).after.status == "finished"


def test_a_worker_that_was_stopped_past_its_lease_cannot_answer_late(tmp_path, start):
    task = Interrupted(tmp_path)
    runner = start(task, tmp_path / "checkpoints", workers=1, lease_seconds=2.0)
    runner.send(root_job())
    os.kill(task.worker(), signal.SIGSTOP)
    assert runner.receive(60).cause == "hung"
    assert runner.receive(0.0) is None
    assert finished(runner, root_job(2)).id == 2


def test_a_task_that_ends_its_process_loses_the_segment(tmp_path, start):
    runner = start(Exiting(), tmp_path, workers=1)
    for number in (1, 2):
        runner.send(root_job(number))
        outcome = runner.receive(60)
        assert (outcome.job.node, outcome.cause) == (number, "lost")
        assert "status 3" in outcome.message


def test_a_lost_worker_costs_the_others_nothing(tmp_path, start):
    task = Interrupted(tmp_path)
    runner = start(task, tmp_path / "checkpoints", workers=2)
    runner.send(root_job(1))
    worker = task.worker()
    root = finished(runner, root_job(2))
    os.kill(worker, signal.SIGKILL)
    runner.send(next_job(3, root))
    outcomes = [runner.receive(60), runner.receive(60)]
    assert {type(outcome).__name__ for outcome in outcomes} == {"SegmentFailed", "SegmentFinished"}


def test_a_task_that_cannot_be_sent_is_named(tmp_path):
    task = RidgeTask()
    task.log = (tmp_path / "log").open("w")
    with task.log, pytest.raises(RunnerError, match=r"RidgeTask\.log \(a TextIOWrapper\)"):
        ProcessRunner(task, open_checkpoints(tmp_path).url, workers=1)


class Unloadable(RidgeTask):
    def __reduce__(self):
        return open, ("/no/such/folder/data.npy",)


def test_a_task_that_cannot_be_loaded_says_why(tmp_path, start):
    runner = start(Unloadable(), tmp_path, workers=1)
    runner.send(root_job())
    with pytest.raises(RunnerError, match=r"cannot be loaded.*FileNotFoundError"):
        runner.receive(60)


class Deadly(RidgeTask):
    def __reduce__(self):
        return os._exit, (9,)


def test_workers_that_die_at_their_start_are_not_started_for_ever(tmp_path, start):
    runner = start(Deadly(), tmp_path, workers=1)
    runner.send(root_job())
    for _ in range(2):
        assert runner.receive(60).cause == "lost"
        runner.send(root_job())
    with pytest.raises(RunnerError, match=r"3 workers in a row ended before.*status 9"):
        runner.receive(60)


def test_a_worker_that_dies_idle_costs_nothing(tmp_path, start):
    class Telling(RidgeTask):
        def evaluate(self, state, split):
            return {**super().evaluate(state, split), "worker": os.getpid()}

    runner = start(Telling(), tmp_path, workers=1)
    first = finished(runner, root_job())
    descriptor = os.pidfd_open(int(first.after.metrics["worker"]))
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    assert select.select([descriptor], [], [], 10)[0]
    os.close(descriptor)
    assert finished(runner, next_job(2, first)).after.metrics["worker"] != first.after.metrics["worker"]


def test_an_interpreter_that_cannot_be_started_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(RunnerError, match="cannot be started with '/no/such/python'"):
        ProcessRunner(RidgeTask(), open_checkpoints(tmp_path).url, workers=2)


def test_a_forgotten_runner_ends_its_workers(tmp_path):
    task = Interrupted(tmp_path)
    runner = ProcessRunner(task, open_checkpoints(tmp_path / "checkpoints").url, workers=1)
    runner.send(root_job())
    worker = task.worker()
    del runner
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_close_ends_a_worker_in_mid_segment(tmp_path, start):
    task = Interrupted(tmp_path)
    runner = start(task, tmp_path / "checkpoints", workers=1)
    runner.send(root_job())
    worker = task.worker()
    runner.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


@pytest.mark.parametrize(
    ("options", "named"), [({"workers": 0}, "workers"), ({"workers": True}, "workers"), ({"lease_seconds": 0}, "lease_seconds")]
)
def test_arguments_that_cannot_be_are_named(tmp_path, options, named):
    with pytest.raises(RunnerError, match=f"{named}: expected"):
        ProcessRunner(RidgeTask(), open_checkpoints(tmp_path).url, **options)
