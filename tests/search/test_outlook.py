"""What every path of a study is expected to come to."""

import math

import pytest

import trimtab as tt
from trimtab.search import archive
from trimtab.search.outlook import Outlook
from trimtab.store.records import Choice, ChoiceKind, Job, Node
from trimtab.task import Measurement

SETTINGS = tt.Space(lr=tt.Float(1e-4, 1.0, log=True)).default()


def node(
    number: int,
    parent: int | None,
    error: float,
    *,
    index: int = 0,
    horizon: int = 3,
    root: int = 1,
    kind: ChoiceKind = "continue",
) -> Node:
    choice = Choice("start" if parent is None else kind, "")
    job = Job(number, parent, root, None, SETTINGS, index, horizon, 0, 0, choice)
    lost = not math.isfinite(error)
    return Node(job, None if lost else "a" * 64, None, Measurement({"loss": 1.0}, 1.0), error)


@pytest.mark.parametrize("before", [None, math.nan, math.inf, -300.0, 0.0])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_errors_that_are_no_logarithms_may_have_any_unit_and_need_not_be_known_before(
    before: float | None, size: float
) -> None:
    outlook = Outlook(archive.shipped()[1], logarithmic=False)
    for number, error in enumerate((-200.0, -240.0, -260.0), start=1):
        outlook.add(node(number, number - 1 or None, error * size, index=number - 1), before if number == 1 else None)
        means, deviations = outlook.ends([number])
        assert means[0] <= error * size
        assert math.isfinite(deviations[0])
    assert outlook.results()[0].error == -260.0 * size


def test_a_start_that_leads_nowhere_is_worse_than_the_worst_that_led_somewhere() -> None:
    outlook = Outlook(archive.shipped()[1], logarithmic=True)
    outlook.add(node(1, None, math.inf), math.inf)
    outlook.add(node(2, None, 0.4, root=2), 0.7)
    lost, led, failed = outlook.results([SETTINGS])
    assert lost.error == failed.error > led.error


def test_what_a_path_is_hoped_to_be_is_kept_while_it_goes_on() -> None:
    outlook = Outlook(archive.shipped()[1], logarithmic=True)
    for number in (1, 2, 3):
        outlook.add(node(number, number - 1 or None, -0.1 * number, index=number - 1, horizon=9), 0.7 if number == 1 else None)
    outlook.add(node(4, None, -0.1, root=4), 0.7)
    hopes = outlook.hopes([1, 2, 3, 4])
    assert hopes[0] == hopes[1] == hopes[2] != hopes[3]


@pytest.mark.parametrize(
    ("errors", "logarithmic", "over"),
    [
        ((0.0, -0.5, -0.2, -0.2, -0.2, -0.25), True, True),
        ((0.0, -0.5, -0.2, -0.2, -0.2), True, False),
        ((0.0, -0.5, -0.2, -0.45, -0.2, -0.2), True, False),
        ((0.0, -0.5, -0.4, -0.4, -0.4, -0.4), True, False),
        ((0.0, -5.0, 9.0, 9.0, 9.0, 9.0), False, False),
    ],
)
def test_a_run_that_was_far_worse_for_a_fifth_of_its_length_is_over(
    errors: tuple[float, ...], logarithmic: bool, over: bool
) -> None:
    outlook = Outlook(archive.shipped()[1], logarithmic=logarithmic)
    nodes = [node(number, number - 1 or None, error, index=number - 1, horizon=20) for number, error in enumerate(errors, 1)]
    for each in nodes:
        outlook.add(each, 0.7 if each.id == 1 else None)
    told = outlook.why_over(nodes[-1])
    assert (told is not None) is over
    assert told is None or "4 segments" in told
    assert outlook.end(nodes[-1]) <= min(errors)
