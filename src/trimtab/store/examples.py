"""Hypothesis strategies for records: every kind of event, with every value that is hard to store."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from trimtab.space import Settings
from trimtab.store.records import (
    BoundChanged,
    BranchEnded,
    BudgetExtended,
    Choice,
    Event,
    ForkRequested,
    HeadChoice,
    Job,
    Node,
    Override,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyCreated,
    StudyFinished,
)
from trimtab.task import Measurement, Telemetry

names = st.text(min_size=1, max_size=8)
numbers = st.floats()
counts = st.integers(0, 2**63 - 1)
values = st.one_of(st.booleans(), st.integers(-(2**70), 2**70), numbers, st.text(max_size=8))
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
settings = st.dictionaries(names, values, max_size=4).map(Settings)
metrics = st.dictionaries(names, numbers, max_size=3)
plain: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), values),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(names, st.sampled_from(["$float", "$tuple", "kind", "version"])), inner, max_size=3),
    ),
    max_leaves=6,
)


def _several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


telemetry = st.builds(Telemetry, _several(numbers), _several(numbers), *[numbers] * 7)
measurements = st.builds(
    Measurement, metrics, numbers, counts, counts, numbers, numbers, telemetry, st.sampled_from(["finished", "diverged"])
)
heads = st.builds(HeadChoice, names, names, _several(names), _several(numbers), _several(numbers), st.integers(), st.booleans())
choices = st.builds(
    Choice,
    st.sampled_from(["start", "continue", "fork", "user", "replay"]),
    st.text(max_size=20),
    _several(st.tuples(names, numbers)),
    _several(heads),
    st.none() | st.tuples(numbers, numbers),
)
jobs = st.builds(
    Job,
    st.integers(1, 2**31 - 1),
    st.none() | st.integers(1, 2**31 - 1),
    st.integers(1, 2**31 - 1),
    st.none() | digests,
    settings,
    st.integers(0, 10_000),
    st.integers(1, 10_000),
    counts,
    counts,
    choices,
)
errors = st.floats(allow_nan=False)
nodes = st.builds(Node, jobs, st.none() | digests, st.none() | measurements, measurements, errors, st.floats(allow_nan=False))
overrides: st.SearchStrategy[Override] = st.one_of(
    st.builds(BranchEnded, st.integers(), st.text(max_size=20), st.sampled_from(["study", "user"])),
    st.builds(SettingFixed, names, st.none() | values),
    st.builds(BoundChanged, names, numbers, numbers),
    st.builds(BudgetExtended, metrics),
    st.builds(ForkRequested, st.integers(), settings),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(StudyCreated, st.dictionaries(names, plain, max_size=3), st.text(max_size=8), st.none() | st.text(max_size=8)),
    st.builds(SegmentFinished, nodes),
    st.builds(SegmentFailed, jobs, st.sampled_from(["error", "lost", "hung"]), st.text(max_size=20)),
    st.builds(StudyFinished, st.text(max_size=20)),
    overrides,
)
