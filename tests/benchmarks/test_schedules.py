"""Tuned schedules beside a Pilot: the peak that counts is the best by validation, and every schedule begins and ends as it says."""

import pytest
import torch

from benchmarks.schedules import PEAKS, compared, planned


class Field:
    metric, plans = "map", {"one cycle": (0.1, 0.2)}


def test_of_several_peaks_the_best_by_validation_counts() -> None:
    made = {
        ("pilot", 0): [{"validation_loss": 0.5, "map": 0.6}],
        ("one cycle", 0): [{"validation_loss": 0.4, "map": 0.5}, {"validation_loss": 0.6, "map": 0.9}],
    }
    (line,) = compared("cells", Field(), made, seeds=1)
    assert (line.value, line.peer, line.peer_value, line.ratio) == (0.6, "one cycle", 0.5, pytest.approx(1.2))


@pytest.mark.parametrize(
    ("name", "first", "top"), [("cosine", 1.0, 0), ("inverse square root", 0.1, 9), ("one cycle", 0.04, 29)]
)
def test_a_schedule_reaches_its_peak_and_falls(name: str, first: float, top: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=5.0)
    schedule = planned(name, optimizer, 0.2, 100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.2, rel=0.01)
    assert abs(rates.index(max(rates)) - top) <= 1
    assert rates[0] == pytest.approx(first * 0.2, rel=0.05)
    assert rates[-1] < 0.4 * max(rates)


def test_nine_peaks_span_two_decades() -> None:
    assert len(PEAKS) == 9
    assert (PEAKS[0], PEAKS[-1]) == pytest.approx((1e-4, 1e-2))
