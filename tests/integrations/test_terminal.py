"""The live display and its plain lines: fed with the events of a study, looked at as text."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from trimtab.integrations.loggers import Terminal
from trimtab.integrations.loggers.panel import Clock, panel, spark
from trimtab.integrations.loggers.tally import Tally
from trimtab.space import Categorical, Float, Int, Settings, Space
from trimtab.store.records import (
    BranchEnded,
    BudgetExtended,
    Choice,
    Event,
    Job,
    Node,
    SegmentFailed,
    SegmentFinished,
    StudyCreated,
    StudyFinished,
)
from trimtab.task import Measurement

SPACE = Space(
    lr=Float(1e-5, 1.0, log=True),
    optimizer=Categorical("sgd", "adam"),
    momentum=Float(0.0, 0.99, when={"optimizer": "sgd"}),
    width=Int(1, 256, live=False),
)
GOAL = {"metric": "loss", "minimise": True, "scale": "log", "bound": 0.0}
CREATED = StudyCreated({"space": SPACE.to_record(), "budget": {"segments": 10}, "agent": "dqn", "goal": GOAL}, "f", None)


class Clockwork:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def job(node: int, parent: int | None, *, root: int = 1, index: int = 0, lr: float = 0.01, optimizer: str = "adam") -> Job:
    settings = Settings(lr=lr, optimizer=optimizer, momentum=0.5, width=64)
    choice = Choice("start" if parent is None else "continue", "")
    return Job(node, parent, root, None, settings, index, 5, 7, 7, choice)


def finished(node: int, parent: int | None, loss: float, **options: float | str) -> SegmentFinished:
    metrics, made = {"loss": loss, "error": loss / 2}, job(node, parent, **options)  # type: ignore[arg-type]
    fine = loss == loss
    after = Measurement(metrics, loss, seconds=1.0, status="finished" if fine else "diverged")
    return SegmentFinished(Node(made, "0" * 64 if fine else None, None, after, loss if fine else float("inf")))


EVENTS: list[Event] = [
    CREATED,
    finished(1, None, 0.5),
    finished(2, 1, 0.25, index=1, lr=0.02),
    finished(3, 2, 0.75, index=2, optimizer="sgd"),
]


def lines(events: list[Event], *, recalled: list[Event] = [], tick: float = 1.0, seconds: float = 5.0) -> list[str]:  # noqa: B006
    """Return what is printed where there is no terminal, ``tick`` seconds going by before each event."""
    file, clock = io.StringIO(), Clockwork()
    terminal = Terminal(Console(file=file, width=300), seconds=seconds, clock=clock)
    if recalled:
        terminal.recall(recalled)
    for event in events:
        clock.now += tick
        terminal.receive(event)
    terminal.close()
    return file.getvalue().splitlines()


def drawn(events: list[Event], width: int = 100) -> str:
    """Return the panel after ``events``."""
    tally, file = Tally(), io.StringIO()
    for event in events:
        tally.receive(event)
    Console(file=file, width=width).print(panel(tally, Clock(12.0, 30.0, 3.0)))
    return file.getvalue()


def test_every_new_best_is_a_line_at_once_and_others_wait():
    worse = [finished(number, number - 1, 0.9, index=1) for number in range(4, 8)]
    printed = lines([*EVENTS, *worse])
    assert [re.match(r"(\d+) of 10", line).group(1) for line in printed] == ["1", "2", "7"]  # type: ignore[union-attr]
    assert "best loss 0.250 (node 2)" in printed[1]


def test_a_line_says_what_was_changed_and_leaves_out_what_has_no_effect():
    second = lines(EVENTS[:3])[1]
    assert "lr 0.01 → 0.02" in second
    assert "momentum" not in second
    third = lines(EVENTS, seconds=0.0)[2]
    assert "optimizer adam → sgd" in third
    assert "momentum 0.5" in third


def test_a_study_that_goes_on_is_not_shown_from_zero():
    printed = lines([finished(4, 3, 0.1, index=3)], recalled=EVENTS)
    assert printed[0].startswith("4 of 10 segments (40%)")


def test_what_was_recalled_counts_once_even_if_it_is_recalled_twice():
    file = io.StringIO()
    terminal = Terminal(Console(file=file, width=300))
    terminal.recall(EVENTS)
    terminal.recall(EVENTS)
    terminal.receive(finished(4, 3, 0.1, index=3))
    terminal.close()
    assert file.getvalue().startswith("4 of 10 segments")


def test_the_time_left_is_that_of_the_segments_of_this_sitting():
    later = [finished(4, 3, 0.2, index=3), finished(5, 4, 0.1, index=4)]
    printed = lines(later, recalled=EVENTS, tick=4.0)
    # between the fourth and the fifth of ten segments four seconds went by: five more take twenty
    assert printed[-1].endswith("0:20 left")


def test_a_reason_of_failure_is_printed_once():
    failures = [SegmentFailed(job(4, 3), "error", "ValueError: no such label") for _ in range(3)]
    lost = SegmentFailed(job(5, 3), "lost", "worker process 7 was killed by SIGKILL")
    printed = [line for line in lines([*EVENTS, *failures, lost]) if "failed" in line]
    assert len(printed) == 2
    assert "the task raised: ValueError: no such label" in printed[0]
    assert "SIGKILL" in printed[1]


def test_the_panel_shows_budget_best_last_and_counts():
    text = drawn([*EVENTS, finished(4, 3, float("nan"), index=3), BranchEnded(3, "", "study")])
    for words in ("dqn", "4 of 10 segments", "40%", "0:30 left", "loss 0.250", "node 2", "diverged", "1 run", "1 branch ended"):
        assert words in text
    assert "forks" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_panel_fits_its_terminal(width):
    assert max(map(len, drawn(EVENTS, width).splitlines())) <= width


def test_a_setting_is_never_torn_from_its_value():
    text = drawn(EVENTS[:3], 50)
    assert "lr 0.01 → 0.02" in text
    assert "width 64" in text


def test_more_budget_moves_the_bar_back():
    assert "30%" in drawn(EVENTS)
    assert "3 of 30 segments" in drawn([*EVENTS, StudyFinished("used"), BudgetExtended({"segments": 30})])


def test_events_without_a_beginning_are_shown_as_far_as_they_go():
    assert "3 segments" in drawn(EVENTS[1:])


def test_colours_forced_upon_a_log_do_not_make_it_a_terminal():
    file = io.StringIO()
    terminal = Terminal(Console(file=file, width=200, force_terminal=True))
    for event in EVENTS:
        terminal.receive(event)
    terminal.close()
    assert "╭" not in file.getvalue()


def test_a_curve_that_is_flat_is_not_drawn():
    assert spark([1.0, 1.0], 8) == ""
    assert len(spark([float(number) for number in range(1000)], 32)) == 32
