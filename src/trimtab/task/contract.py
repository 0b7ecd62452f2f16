"""What every task must keep: a suite for pytest, to be inherited by the test class of each Task."""

from __future__ import annotations

import math
import pickle
from dataclasses import fields
from typing import Any

import cloudpickle
import pytest

from trimtab.errors import CheckpointError
from trimtab.space import Settings
from trimtab.task.protocol import Measurement, Segment, Task

HORIZON = 4
CLOCKED = ("seconds", "latency")
"""What a clock measures, which is another time every time."""


def plain(value: Any) -> Any:
    """Return ``value`` without wall time, as data that is equal to itself even where it holds NaN."""
    if isinstance(value, Measurement):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.name not in CLOCKED}
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(member) for member in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


class TaskContract:
    """Inherit from this, return a fresh task from ``task``, and name your class Test….

    ``settings``: what the segments of a run are trained with, one after the other; changes between them are what the
    contract is about. ``diverging``: settings under which the training is lost, None if there are none.
    """

    def task(self) -> Task[Any]:
        raise NotImplementedError

    def settings(self) -> list[Settings]:
        raise NotImplementedError

    def diverging(self) -> Settings | None:
        return None

    def segments(self) -> list[Segment]:
        return [
            Segment(settings, seed=7 + index, index=index, horizon=HORIZON) for index, settings in enumerate(self.settings())
        ]

    def test_a_segment_run_twice_from_one_checkpoint_gives_the_same(self) -> None:
        task = self.task()
        checkpoint = task.encode(task.start(self.settings()[0], seed=3))
        for segment in self.segments():
            one, other = task.decode(checkpoint), task.decode(checkpoint)
            assert plain(task.advance(one, segment)) == plain(task.advance(other, segment))
            assert task.encode(one) == task.encode(other)
            checkpoint = task.encode(one)

    def test_a_run_through_checkpoints_is_the_run_without_them(self) -> None:
        task = self.task()
        straight = task.start(self.settings()[0], seed=3)
        halting = task.decode(task.encode(straight))
        for segment in self.segments():
            assert plain(task.advance(straight, segment)) == plain(task.advance(halting, segment))
            assert task.encode(straight) == task.encode(halting)
            halting = task.decode(task.encode(halting))

    def test_another_copy_of_the_task_in_another_process_would_give_the_same(self) -> None:
        task, copy = self.task(), pickle.loads(cloudpickle.dumps(self.task()))  # noqa: S301  our own bytes
        assert task.fingerprint() == copy.fingerprint()
        one, other = task.start(self.settings()[0], seed=3), copy.start(self.settings()[0], seed=3)
        segment = self.segments()[0]
        assert plain(task.advance(one, segment)) == plain(copy.advance(other, segment))
        assert task.encode(one) == copy.encode(other)

    def test_measuring_and_evaluating_leave_a_training_as_it_was(self) -> None:
        task = self.task()
        state = task.start(self.settings()[0], seed=3)
        before = task.encode(state)
        measured = task.measure(state)
        assert plain(measured.metrics) == plain(task.evaluate(state, "validation"))
        assert measured.steps == 0
        assert task.encode(state) == before

    def test_a_measurement_holds_the_goal_and_the_loss(self) -> None:
        task = self.task()
        state = task.start(self.settings()[0], seed=3)
        beats: list[int] = []
        measurement = task.advance(state, self.segments()[0], progress=lambda: beats.append(1))
        assert "loss" in measurement.metrics
        assert math.isfinite(task.goal.error(measurement.metrics))
        assert measurement.status == "finished"
        assert math.isfinite(measurement.train_loss)
        assert measurement.steps >= 1
        assert measurement.examples >= 1
        assert beats
        assert 1 <= len(measurement.telemetry.losses) <= 8

    def test_another_seed_gives_another_run(self) -> None:
        task = self.task()
        assert task.encode(task.start(self.settings()[0], seed=3)) != task.encode(task.start(self.settings()[0], seed=4))

    def test_a_divergence_is_measured_and_never_raised(self) -> None:
        task, settings = self.task(), self.diverging()
        if settings is None:
            pytest.skip("no settings under which this task is lost")
        state = task.start(settings, seed=3)
        statuses: list[str] = []
        for index in range(HORIZON):
            measurement = task.advance(state, Segment(settings, seed=index, index=index, horizon=HORIZON))
            statuses.append(measurement.status)
            if measurement.status == "diverged":
                assert task.goal.error(measurement.metrics) == math.inf
        assert "diverged" in statuses

    @pytest.mark.parametrize("damage", ["empty", "half", "noise"])
    def test_bytes_that_are_no_checkpoint_are_refused(self, damage: str) -> None:
        task = self.task()
        whole = task.encode(task.start(self.settings()[0], seed=3))
        broken = {"empty": b"", "half": whole[: len(whole) // 2], "noise": b"\x00" * len(whole)}[damage]
        with pytest.raises(CheckpointError):
            task.decode(broken)
