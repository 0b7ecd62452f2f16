import json
import math
import pathlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from trimtab.errors import StoreError, StoreVersionError
from trimtab.space import Settings
from trimtab.store.codec import RECORD_VERSION, decode, decode_event, encode, encode_event
from trimtab.store.contract import example_node
from trimtab.store.examples import events, jobs
from trimtab.store.records import Job, SegmentFinished, SettingFixed, StudyCreated, StudyFinished

FIXTURE = pathlib.Path(__file__).parent / "fixtures" / f"events_v{RECORD_VERSION}.jsonl"


@settings(max_examples=80, deadline=None, derandomize=True)
@given(events)
def test_every_event_comes_back_as_it_was(event):
    # repr tells NaN from NaN, 1 from 1.0 and a tuple from a list; equality does not
    assert repr(decode_event(encode_event(event))) == repr(event)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(events)
def test_a_record_is_one_line_of_strict_json_with_its_version(event):
    def refuse(constant):
        raise AssertionError(constant)

    text = encode_event(event)
    record = json.loads(text, parse_constant=refuse)
    assert record["version"] == RECORD_VERSION
    assert record["kind"] == type(event).__name__
    assert text.isascii()
    assert "\n" not in text


@settings(max_examples=50, deadline=None, derandomize=True)
@given(jobs)
def test_a_job_comes_back_as_it_was(job):
    assert repr(decode(Job, encode(Job, job))) == repr(job)


def is_within(old: object, new: object) -> bool:
    """Return whether ``new`` is ``old`` but for further keys."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and is_within(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(is_within, old, new))
    return old == new


def test_the_records_of_this_version_are_still_read():
    lines = FIXTURE.read_text(encoding="utf-8").splitlines()
    read = [decode_event(line) for line in lines]
    assert [type(event).__name__ for event in read] == [
        "StudyCreated", "SegmentFinished", "SegmentFinished", "SegmentFailed", "SettingFixed", "BoundChanged",
        "BudgetExtended", "ForkRequested", "BranchEnded", "StudyFinished",
    ]  # fmt: skip
    for event, line in zip(read, lines, strict=True):
        # fields that came later have their defaults; nothing that was written is lost or changed
        assert is_within(json.loads(line), json.loads(encode_event(event)))
        assert repr(decode_event(encode_event(event))) == repr(event)
    root, diverged = read[1].node, read[2].node
    assert root.job.settings == Settings(lr=0.1, batch_size=64, optimizer="sgd", nesterov=True)
    assert root.job.choice.heads[0].values == (-math.inf, 0.25, -0.125)
    assert math.isnan(root.after.telemetry.cosine)
    assert math.isnan(root.after.telemetry.step_cosine)
    assert (diverged.error, diverged.checkpoint, diverged.after.status) == (math.inf, None, "diverged")


def test_scalars_of_numpy_are_stored_as_numbers():
    node = example_node(1)
    node = replace(node, error=np.float32(0.5), job=replace(node.job, seed=np.int64(7), settings=Settings(lr=np.float64(0.1))))
    back = decode_event(encode_event(SegmentFinished(node))).node
    assert repr((back.error, back.job.seed, back.job.settings)) == "(0.5, 7, Settings(lr=0.1))"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", np.zeros(2)])
def test_what_is_not_plain_data_is_refused(value):
    with pytest.raises(StoreError, match="StudyCreated cannot be stored: expected plain data"):
        encode_event(StudyCreated({"value": value}, "fingerprint", None))


def test_a_field_of_another_type_is_refused():
    for event in (SettingFixed(3, 0.1), StudyFinished(None), SegmentFinished(replace(example_node(1), error="low"))):
        with pytest.raises(StoreError, match="cannot be stored"):
            encode_event(event)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ('{"version":2,"kind":"StudyFinished","reason":""}', StoreVersionError, "record of version 2: .* reads version 1"),
        ('{"kind":"StudyFinished","reason":""}', StoreVersionError, "record of version None"),
        ('{"version":1,"kind":"StudyPaused"}', StoreVersionError, "unknown kind 'StudyPaused'"),
        ('{"version":1,"kind":"StudyFinished","reason":"","by":"me"}', StoreVersionError, "StudyFinished with unknown by"),
        ('{"version":1,"kind":"StudyFinished"}', StoreError, "damaged"),
        ('{"version":1,"kind":"StudyFinished","reason":3}', StoreError, "damaged"),
        ('{"version":1,"kind":"BranchEnded","node":1,"reason":"","by":"nobody"}', StoreError, "damaged"),
        ('{"version":1,"kind":"SegmentFinished","node":[]}', StoreError, "damaged"),
        ('{"version":1,"kind":"StudyFin', StoreError, "not JSON"),
        ("[]", StoreError, "not a JSON object"),
        ("", StoreError, "not JSON"),
    ],
)
def test_a_record_that_cannot_be_read_says_why(text, kind, message):
    with pytest.raises(kind, match=message):
        decode_event(text)
