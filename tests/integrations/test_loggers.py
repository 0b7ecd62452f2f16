from __future__ import annotations

import json
import math
import struct
import sys
import warnings

import pytest

from trimtab.errors import MissingExtraError
from trimtab.integrations.loggers import JsonLines, TensorBoard, WandB
from trimtab.store.records import SegmentFinished
from trimtab.study.audience import Audience


@pytest.fixture(scope="module")
def nodes(study_events):
    return {event.node.id: event.node for event in study_events if isinstance(event, SegmentFinished)}


def feed(logger, events):
    for event in events:
        logger.receive(event)
    logger.close()


def test_json_lines_hold_every_event_as_strict_json(tmp_path, study_events, nodes):
    path = tmp_path / "new" / "events.jsonl"
    feed(JsonLines(path), study_events)

    def refuse(constant):
        raise AssertionError(constant)

    rows = [json.loads(line, parse_constant=refuse) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["event"] for row in rows] == [type(event).__name__ for event in study_events]
    segments = {row["node"]["job"]["node"]: row["node"] for row in rows if row["event"] == "SegmentFinished"}
    assert segments.keys() == nodes.keys()
    for number, node in nodes.items():
        assert segments[number]["job"]["settings"] == dict(node.job.settings)
        assert segments[number]["error"] == (node.error if math.isfinite(node.error) else None)


def test_json_lines_are_there_before_the_close_and_go_on_where_they_were(tmp_path, study_events):
    path = tmp_path / "events.jsonl"
    logger = JsonLines(path)
    logger.receive(study_events[0])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1
    logger.close()
    feed(JsonLines(path), study_events[1:3])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


@pytest.fixture(scope="module")
def board(tmp_path_factory, study_events):
    folder = tmp_path_factory.mktemp("board")
    feed(TensorBoard(folder), study_events)
    return folder


def accumulated(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def test_tensorboard_has_a_run_for_every_branch(board, nodes):
    roots = {f"run-{node.id}" for node in nodes.values() if node.job.parent is None}
    names = {folder.name for folder in board.iterdir()}
    assert roots <= names
    assert len([name for name in names if "-fork-" in name]) == 3


def test_tensorboard_holds_the_measured_scalars_by_segment_of_the_run(board, nodes):
    accumulator = accumulated(board / "run-6")
    path = [node for number, node in nodes.items() if 6 <= number <= 17]
    for tag, figures in (
        ("validation/loss", [node.after.metrics["loss"] for node in path]),
        ("validation/accuracy", [node.after.metrics["accuracy"] for node in path]),
        ("train/loss", [node.after.train_loss for node in path]),
        ("settings/lr", [node.job.settings["lr"] for node in path]),
        ("study/reward", [node.reward for node in path]),
    ):
        scalars = [event for event in accumulator.Scalars(tag) if event.step > 0]
        assert [event.step for event in scalars] == list(range(1, 13))
        assert [event.value for event in scalars] == pytest.approx(figures, rel=1e-5)
    assert accumulator.Scalars("validation/loss")[0].step == 0


def test_tensorboard_has_the_hparams_view_with_final_metrics(board, nodes):
    from tensorboard.plugins.hparams import plugin_data_pb2

    accumulator = accumulated(board / "run-6")
    content = accumulator.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    started = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert started["optimizer"].string_value == "adam"
    assert started["lr"].number_value == pytest.approx(0.05)
    content = accumulator.summary_metadata["_hparams_/experiment"].plugin_data.content
    metrics = [each.name.tag for each in plugin_data_pb2.HParamsPluginData.FromString(content).experiment.metric_infos]
    assert metrics == ["best/error", "best/loss", "best/accuracy"]
    best = min((node for number, node in nodes.items() if 6 <= number <= 17), key=lambda node: node.error)
    assert accumulator.Scalars("best/loss")[0].value == pytest.approx(best.after.metrics["loss"])


def test_tensorboard_goes_on_with_runs_that_it_had_to_close(tmp_path, study_events, monkeypatch):
    monkeypatch.setattr("trimtab.integrations.loggers.tensorboard.MOST_OPEN", 1)
    feed(TensorBoard(tmp_path), study_events)
    assert len(accumulated(tmp_path / "run-6").Scalars("study/reward")) == 12


@pytest.fixture(scope="module")
def offline(tmp_path_factory, study_events):
    folder = tmp_path_factory.mktemp("wandb")
    feed(WandB("digits", name="small", folder=folder), study_events)
    import wandb

    wandb.teardown()  # its service writes the last blocks when it ends, as it does at the end of a process
    return folder


def chunks(data):
    """Return the records of a .wandb file: LevelDB's log format after a header of seven bytes."""
    block, at, parts, found = 32768, 7, [], []
    while at + 7 <= len(data):
        if block - at % block < 7:  # what is left of a block is too short for a header: padding
            at += block - at % block
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts.append(data[at + 7 : at + 7 + length])
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            found.append(b"".join(parts))
            parts = []
    return found


def rows_of(folder):
    """Return the history rows, configuration and summary in the run's own file."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    history, config, summary = [], {}, {}
    for chunk in chunks(path.read_bytes()):
        record = Record.FromString(chunk)
        history += [{_key(item): json.loads(item.value_json) for item in record.history.item}] if record.history.item else []
        config |= {_key(item): json.loads(item.value_json) for item in (*record.run.config.update, *record.config.update)}
        summary |= {_key(item): json.loads(item.value_json) for item in record.summary.update}
    return history, config, summary


def _key(item):
    return "/".join(item.nested_key) or item.key


def test_wandb_offline_holds_every_segment(offline, nodes):
    history, _, _ = rows_of(offline)
    assert [row["tree/segment"] for row in history] == list(nodes)
    for row, node in zip(history, nodes.values(), strict=True):
        assert row["settings/optimizer"] == node.job.settings["optimizer"]
        assert row["settings/lr"] == pytest.approx(node.job.settings["lr"])
        if math.isfinite(node.error):
            assert row["validation/loss"] == pytest.approx(node.after.metrics["loss"])
        else:
            assert "validation/loss" not in row


def test_wandb_offline_holds_configuration_and_summary(offline, nodes):
    _, config, summary = rows_of(offline)
    best = min(nodes.values(), key=lambda node: node.error)
    assert config["seed"] == 0
    assert config["space"]["lr"]["kind"] == "float"
    assert summary["best/segment"] == best.id
    assert summary["best/validation/loss"] == pytest.approx(best.after.metrics["loss"])
    assert summary["best/settings/optimizer"] == best.job.settings["optimizer"]


class Failing:
    """A logger whose disk is full from the second event on."""

    def __init__(self):
        self.received = 0

    def recall(self, events):
        raise OSError(28, "No space left on device")

    def receive(self, event):
        self.received += 1
        if self.received > 1:
            raise OSError(28, "No space left on device")

    def close(self):
        raise OSError(28, "No space left on device")


def test_a_logger_that_fails_warns_once_names_itself_and_stops_nothing(study_events):
    failing = Failing()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        feed(Audience([failing]), study_events)
    assert failing.received == len(study_events)
    assert len(caught) == 1
    assert "Failing" in str(caught[0].message)
    assert "No space left on device" in str(caught[0].message)


def test_a_guarded_logger_that_works_is_not_changed(tmp_path, study_events):
    feed(Audience([JsonLines(tmp_path / "events.jsonl")]), study_events)
    assert len((tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()) == len(study_events)


def test_an_interrupt_passes_through_the_guard(study_events):
    class Interrupted(Failing):
        def receive(self, event):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Audience([Interrupted()]).receive(study_events[0])


@pytest.mark.parametrize(
    ("make", "module", "extra"), [(TensorBoard, "torch.utils.tensorboard.writer", "tensorboard"), (WandB, "wandb", "wandb")]
)
def test_a_missing_extra_is_named(make, module, extra, tmp_path, study_events, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    logger = make(str(tmp_path))
    with pytest.raises(MissingExtraError, match=rf"pip install 'trimtab\[{extra}\]'"):
        feed(logger, study_events)
