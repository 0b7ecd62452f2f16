import pytest

from trimtab.errors import TaskError
from trimtab.runners import InlineRunner, StateCache, run_segment
from trimtab.runners.contract import RunnerContract, next_job, root_job, timeless
from trimtab.runners.ridge import RidgeTask
from trimtab.store import open_checkpoints
from trimtab.store.records import SegmentFailed


class TestInlineRunner(RunnerContract):
    def make(self, task, checkpoints):
        return InlineRunner(task, checkpoints)


class Failing(RidgeTask):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def advance(self, state, segment, *, progress=lambda: None):
        raise self.error


def test_ctrl_c_passes_through_and_the_job_can_be_run_again(tmp_path):
    runner = InlineRunner(Failing(KeyboardInterrupt()), open_checkpoints(tmp_path))
    runner.send(root_job())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            runner.receive()


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), "lost"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"), "lost"),
        (RuntimeError("CUDA error: out of memory"), "lost"),
        (RuntimeError("shapes do not match"), "error"),
        (TaskError("loss: expected a scalar"), "error"),
    ],
)
def test_what_would_fail_again_is_told_from_what_was_lost(tmp_path, error, cause):
    runner = InlineRunner(Failing(error), open_checkpoints(tmp_path))
    runner.send(root_job())
    outcome = runner.receive()
    assert isinstance(outcome, SegmentFailed)
    assert outcome.cause == cause
    assert str(error) in outcome.message


def test_a_disk_that_refuses_the_checkpoint_loses_the_segment(tmp_path):
    (tmp_path / "file").write_text("a file where the folder should be")
    runner = InlineRunner(RidgeTask(), open_checkpoints(tmp_path / "file"))
    runner.send(root_job())
    outcome = runner.receive()
    assert (outcome.cause, "cannot be written" in outcome.message) == ("lost", True)


def test_a_state_kept_in_memory_gives_what_its_checkpoint_gives(tmp_path):
    task, checkpoints, cache = RidgeTask(), open_checkpoints(tmp_path), StateCache()
    node = run_segment(task, root_job(), checkpoints, cache=cache).node
    for number in range(2, 8):
        job = next_job(number, node)
        kept, read = (run_segment(task, job, checkpoints, cache=cache) for cache in (cache, None))
        assert repr(timeless(kept)) == repr(timeless(read))
        node = kept.node


def test_a_state_is_handed_out_once_and_only_for_its_own_checkpoint():
    cache = StateCache()
    cache.put("a", [1])
    assert cache.take("a") == [1]
    assert cache.take("a") is None
    cache.put("a", [1])
    assert cache.take("b") is None
    assert cache.take("a") is None


@pytest.mark.parametrize("metrics", [{"loss": "low"}, {"accuracy": 0.9}, 0.5])
def test_metrics_that_are_no_numbers_by_name_are_named(tmp_path, metrics):
    class Odd(RidgeTask):
        def evaluate(self, state, split):
            return metrics if split == "validation" else super().evaluate(state, split)

        def advance(self, state, segment, *, progress=lambda: None):
            return self.measure(state)

    runner = InlineRunner(Odd(), open_checkpoints(tmp_path))
    runner.send(root_job())
    outcome = runner.receive()
    assert outcome.cause == "error"
    assert "metrics" in outcome.message
