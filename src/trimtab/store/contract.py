"""What every journal must do, as tests: subclass ``JournalContract``, and ``JournalMachine``, and run both."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from trimtab.errors import CheckpointError, StoreError, StoreLockedError
from trimtab.space import Settings
from trimtab.store.examples import events, overrides
from trimtab.store.protocol import Journal
from trimtab.store.records import BranchEnded, Choice, Event, Job, Node, Override, SegmentFinished, SettingFixed, StudyFinished
from trimtab.task import Measurement, Telemetry


def example_node(number: int, *, parent: int | None = None, checkpoint: str | None = None, error: float = 0.0) -> Node:
    """Return a node with little in it."""
    job = Job(number, parent, 1, None, Settings(lr=0.1), 0, 5, 0, number, Choice("start", "an example"))
    # nothing in it is NaN, so that it equals its copies
    telemetry = Telemetry((), (), 1.0, 0.1, 0.0, 0.1, 0.0, 0.0, 0.0)
    return Node(job, checkpoint, None, Measurement({"loss": 1.0}, 1.0, telemetry=telemetry), error)


class JournalContract:
    """The laws of a journal. ``open`` opens the store in ``folder``, the same store each time."""

    def open(self, folder: Path, study: str = "study") -> Journal:
        raise NotImplementedError("say how your journal is opened")

    def test_what_is_appended_is_read_in_order_by_everyone(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path)
        written: list[Event] = [SegmentFinished(example_node(1)), StudyFinished("done"), SegmentFinished(example_node(2))]
        journal.append(written[:2])
        journal.append([])
        journal.append(written[2:])
        assert journal.read() == written
        assert self.open(tmp_path).read() == written

    def test_a_segment_is_never_committed_twice_and_its_company_not_at_all(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path)
        journal.append([SegmentFinished(example_node(1))])
        with pytest.raises(StoreError, match="1 is committed already"):
            journal.append([StudyFinished("done"), SegmentFinished(example_node(1, error=2.0))])
        assert journal.read() == [SegmentFinished(example_node(1))]

    def test_studies_of_one_store_do_not_meet(self, tmp_path: Path) -> None:
        one, other = self.open(tmp_path, "one"), self.open(tmp_path, "other")
        digest = one.checkpoints.write(b"one")
        one.append([SegmentFinished(example_node(1, checkpoint=digest))])
        other.append([StudyFinished("nothing to do")])
        other.request(SettingFixed("lr", 0.1))
        other.checkpoints.collect(())
        assert one.read() == [SegmentFinished(example_node(1, checkpoint=digest))]
        assert one.requests() == []
        assert one.checkpoints.read(digest) == b"one"
        with one.lock(), other.lock():
            pass

    def test_a_request_is_taken_once(self, tmp_path: Path) -> None:
        journal, user = self.open(tmp_path), self.open(tmp_path)
        asked: list[Override] = [SettingFixed("lr", 0.1), SettingFixed("lr", 0.1), BranchEnded(3, "hopeless", "user")]
        for override in asked:
            user.request(override)
        assert journal.requests() == asked
        journal.append(asked)
        assert journal.requests() == []
        assert self.open(tmp_path).requests() == []

    def test_a_request_that_was_not_appended_before_a_crash_is_taken_again(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path)
        journal.request(SettingFixed("lr", 0.1))
        journal.request(SettingFixed("lr", 0.2))
        journal.append(journal.requests()[:1])
        assert self.open(tmp_path).requests() == [SettingFixed("lr", 0.2)]

    def test_one_at_a_time_runs_a_study(self, tmp_path: Path) -> None:
        journal, other = self.open(tmp_path), self.open(tmp_path)
        for _ in range(2):
            with journal.lock(), pytest.raises(StoreLockedError, match="is running it"), other.lock():
                pass
        with other.lock():
            pass

    def test_whoever_runs_a_study_hears_that_another_has_written_to_it(self, tmp_path: Path) -> None:
        journal, other = self.open(tmp_path), self.open(tmp_path)
        with journal.lock():
            journal.append([StudyFinished("one")])
            other.append([StudyFinished("other")])
            with pytest.raises(StoreLockedError, match="another process has appended"):
                journal.append([StudyFinished("two")])

    def test_checkpoints_are_opened_by_their_url(self, tmp_path: Path) -> None:
        from trimtab.store import open_checkpoints

        journal = self.open(tmp_path)
        digest = open_checkpoints(journal.checkpoints.url).write(b"from a worker")
        assert journal.checkpoints.read(digest) == b"from a worker"

    def test_a_checkpoint_on_its_way_into_the_journal_is_not_collected(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path)
        left = journal.checkpoints.write(b"left by a crash")
        with journal.lock():
            old, new = journal.checkpoints.write(b"old"), journal.checkpoints.write(b"new")
            journal.append([SegmentFinished(example_node(1, checkpoint=old))])
            assert journal.checkpoints.collect(()) == len(b"old") + len(b"left by a crash")
            journal.append([SegmentFinished(example_node(2, checkpoint=new))])
            assert journal.checkpoints.read(new) == b"new"
        for digest in (left, old):
            with pytest.raises(CheckpointError, match="missing"):
                journal.checkpoints.read(digest)

    def test_a_segment_whose_checkpoint_was_collected_meanwhile_is_not_committed(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path)
        with journal.lock():
            digest = journal.checkpoints.write(b"same")
            journal.append([SegmentFinished(example_node(1, checkpoint=digest))])
            journal.checkpoints.collect(())
            with pytest.raises(CheckpointError, match="run it again"):
                journal.append([SegmentFinished(example_node(2, checkpoint=digest))])
            journal.checkpoints.write(b"same")
            journal.append([SegmentFinished(example_node(2, checkpoint=digest))])


class JournalMachine(RuleBasedStateMachine):
    """Compares a journal with lists and a dict, through crashes and reopenings. ``open`` is as in ``JournalContract``."""

    checkpoints: Bundle[str] = Bundle("checkpoints")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.journal = self.open(self.folder)
        self.committed: list[Event] = []
        self.asked: list[Override] = []
        self.taken: list[Override] = []
        self.kept: dict[str, bytes] = {}

    def open(self, folder: Path) -> Journal:
        raise NotImplementedError("say how your journal is opened")

    @rule(batch=st.lists(events, max_size=3))
    def append(self, batch: list[Event]) -> None:
        batch = [self._numbered(event, place) for place, event in enumerate(batch)]
        self.journal.append(batch)
        self.committed += batch
        for event in batch:
            self._answer(event)

    @rule(event=events)
    def append_the_same_segment_twice(self, event: Event) -> None:
        if isinstance(event, SegmentFinished):
            event = self._numbered(event, 0)
            with suppress(StoreError):
                self.journal.append([event, event])

    @rule(override=overrides)
    def request(self, override: Override) -> None:
        self.journal.request(override)
        self.asked.append(override)

    @rule()
    def take_requests(self) -> None:
        for override in self.taken:
            _remove(self.asked, override)
        self.taken = list(self.asked)
        assert list(map(repr, self.journal.requests())) == list(map(repr, self.taken))

    @rule()
    def append_what_was_taken(self) -> None:
        batch: list[Event] = list(self.taken)
        self.journal.append(batch)
        self.committed += batch
        for event in batch:
            self._answer(event)

    @rule()
    def crash_and_reopen(self) -> None:
        self.journal = self.open(self.folder)
        self.taken = []

    @rule()
    def lock_out_others(self) -> None:
        with self.journal.lock(), pytest.raises(StoreLockedError), self.open(self.folder).lock():
            pass

    @rule(target=checkpoints, data=st.binary(max_size=64))
    def write(self, data: bytes) -> str:
        digest = self.journal.checkpoints.write(data)
        self.kept[digest] = data
        return digest

    @rule(digest=checkpoints)
    def read_checkpoint(self, digest: str) -> None:
        if digest in self.kept:
            assert self.journal.checkpoints.read(digest) == self.kept[digest]
        else:
            with pytest.raises(CheckpointError, match="missing"):
                self.journal.checkpoints.read(digest)

    @rule(wanted=st.sets(checkpoints, max_size=3))
    def collect(self, wanted: set[str]) -> None:
        freed = sum(len(data) for digest, data in self.kept.items() if digest not in wanted)
        assert self.journal.checkpoints.collect(wanted) == freed
        self.kept = {digest: data for digest, data in self.kept.items() if digest in wanted}

    @invariant()
    def what_is_committed_is_read(self) -> None:
        assert list(map(repr, self.journal.read())) == list(map(repr, self.committed))

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _numbered(self, event: Event, place: int) -> Event:
        """Return ``event`` with a node of its own and without a checkpoint that nobody wrote."""
        if not isinstance(event, SegmentFinished):
            return event
        job = replace(event.node.job, node=len(self.committed) + place + 1)
        return SegmentFinished(replace(event.node, job=job, checkpoint=None))

    def _answer(self, event: Event) -> None:
        if any(repr(override) == repr(event) for override in self.taken):
            _remove(self.taken, event)
            _remove(self.asked, event)


def _remove(overrides: list[Override], event: Event) -> None:
    """Remove the first of ``overrides`` that is ``event``; by their texts, for NaN is not equal to itself."""
    index = [repr(override) for override in overrides].index(repr(event))
    del overrides[index]
