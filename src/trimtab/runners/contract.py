"""What every runner must do, as tests. Subclass ``RunnerContract`` in a test file and say how your runner is made."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import RunnerError
from trimtab.runners.execute import run_segment
from trimtab.runners.protocol import Outcome, Runner
from trimtab.runners.ridge import SPACE, RidgeTask
from trimtab.seeds import derive
from trimtab.space import Settings
from trimtab.store import Checkpoints, open_checkpoints
from trimtab.store.records import Choice, Job, Node, SegmentFailed, SegmentFinished
from trimtab.task import Task

SETTINGS = SPACE.default().replace(lr=0.01, batch_size=32)


def root_job(node: int = 1, *, settings: Settings = SETTINGS, run_seed: int = 7) -> Job:
    """Return the job that begins a run."""
    return Job(node, None, node, None, settings, 0, 5, run_seed, derive(run_seed, node), Choice("start", "first of a run"))


def next_job(node: int, parent: Node, *, settings: Settings = SETTINGS) -> Job:
    """Return the job that continues ``parent``."""
    job = parent.job
    return Job(
        node,
        parent.id,
        job.root,
        parent.checkpoint,
        settings,
        job.index + 1,
        job.horizon,
        job.run_seed,
        derive(job.run_seed, node),
        Choice("continue", "the only leaf"),
    )


def timeless(outcome: Outcome | None) -> Outcome | None:
    """Return ``outcome`` without what the clock put into it: all the rest is fixed by the job."""
    if not isinstance(outcome, SegmentFinished):
        return outcome
    node = outcome.node
    before = None if node.before is None else replace(node.before, seconds=0.0, latency=0.0)
    return SegmentFinished(replace(node, before=before, after=replace(node.after, seconds=0.0, latency=0.0)))


def finished(runner: Runner, job: Job) -> Node:
    """Return the node that ``runner`` makes of ``job``."""
    runner.send(job)
    outcome = runner.receive(60.0)
    assert isinstance(outcome, SegmentFinished), outcome
    return outcome.node


class RunnerContract:
    """The laws of a runner. ``make`` returns one with all its slots free."""

    def make(self, task: Task[Any], checkpoints: Checkpoints) -> Runner:
        raise NotImplementedError("say how your runner is made")

    @pytest.fixture
    def checkpoints(self, tmp_path: Path) -> Checkpoints:
        return open_checkpoints(tmp_path / "checkpoints")

    @pytest.fixture
    def runner(self, checkpoints: Checkpoints) -> Generator[Runner]:
        runner = self.make(RidgeTask(), checkpoints)
        yield runner
        runner.close()

    def test_a_run_gives_what_its_segments_give_one_by_one(self, runner: Runner, tmp_path: Path) -> None:
        task, apart = RidgeTask(), open_checkpoints(tmp_path / "apart")
        job = root_job()
        for number in range(2, 6):
            node = finished(runner, job)
            alone = run_segment(task, job, apart)
            assert repr(timeless(alone)) == repr(timeless(SegmentFinished(node)))
            job = next_job(number, node)

    def test_the_checkpoint_of_a_node_is_on_the_disk(self, runner: Runner, checkpoints: Checkpoints) -> None:
        node = finished(runner, root_job())
        assert node.checkpoint is not None
        state = RidgeTask().decode(checkpoints.read(node.checkpoint))
        assert RidgeTask().evaluate(state, "validation") == node.after.metrics

    def test_only_a_root_is_measured_before_its_first_step(self, runner: Runner) -> None:
        root = finished(runner, root_job())
        assert root.before is not None
        assert root.before.steps == 0
        assert finished(runner, next_job(2, root)).before is None

    def test_every_job_is_answered_once_and_slots_are_free_again(self, runner: Runner) -> None:
        for turn in range(2):
            jobs = [root_job(10 * turn + slot, run_seed=slot) for slot in range(1, runner.slots + 1)]
            for job in jobs:
                runner.send(job)
            outcomes = [runner.receive(60.0) for _ in jobs]
            nodes = [outcome.node.id for outcome in outcomes if isinstance(outcome, SegmentFinished)]
            assert sorted(nodes) == [job.node for job in jobs]
            assert runner.receive(0.0) is None

    def test_one_job_too_many_is_refused(self, runner: Runner) -> None:
        for slot in range(1, runner.slots + 1):
            runner.send(root_job(slot))
        with pytest.raises(RunnerError, match="busy"):
            runner.send(root_job(99))

    def test_without_a_job_there_is_no_outcome(self, runner: Runner) -> None:
        assert runner.receive() is None
        assert runner.receive(0.0) is None

    def test_a_task_that_raises_fails_its_segment_and_nothing_else(self, runner: Runner) -> None:
        runner.send(root_job(settings=SETTINGS.replace(trouble="raise")))
        outcome = runner.receive(60.0)
        assert isinstance(outcome, SegmentFailed)
        assert outcome.cause == "error"
        assert outcome.message.startswith("ValueError: the trouble that was asked for")
        assert "in advance" in outcome.message
        assert finished(runner, root_job(2)).after.status == "finished"

    def test_a_task_that_exits_fails_its_segment_and_nothing_else(self, runner: Runner) -> None:
        runner.send(root_job(settings=SETTINGS.replace(trouble="exit")))
        outcome = runner.receive(60.0)
        assert isinstance(outcome, SegmentFailed)
        assert outcome.cause == "error"
        assert finished(runner, root_job(2)).after.status == "finished"

    def test_a_divergence_is_a_node_without_a_checkpoint(self, runner: Runner) -> None:
        root = finished(runner, root_job())
        node = finished(runner, next_job(2, root, settings=SETTINGS.replace(lr=1e9, batch_size=8)))
        assert (node.after.status, node.checkpoint, node.error) == ("diverged", None, float("inf"))

    def test_a_checkpoint_that_is_gone_fails_the_segment(self, runner: Runner) -> None:
        job = replace(root_job(2), parent=1, checkpoint="0" * 64)
        runner.send(job)
        outcome = runner.receive(60.0)
        assert isinstance(outcome, SegmentFailed)
        assert outcome.cause == "error"
        assert "missing" in outcome.message

    def test_a_closed_runner_drops_its_jobs_and_takes_no_more(self, runner: Runner) -> None:
        runner.send(root_job())
        runner.close()
        runner.close()
        assert runner.receive(0.0) is None
        with pytest.raises(RunnerError, match="closed"):
            runner.send(root_job(2))
