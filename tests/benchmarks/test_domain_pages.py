"""The pages of the fields: medians of the seeds that compared methods have, and a picture."""

from pathlib import Path

import pytest

from benchmarks.domain_pages import COMPARED, SHOWN, draw, held_of, page, tuned
from benchmarks.domains import RUNS, beside
from benchmarks.domains_suite.ledger import Ledger, Outcome, version_of
from examples.survival import task


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger("survival", tmp_path)
    for method in SHOWN:
        for seed in range(3):
            better = 0.05 * (method == "study")
            made.add(Outcome(method, seed, RUNS, "an earlier one", 0.7 + seed / 100 + better, 4.0 - seed, 3.0 + seed))
    return made


def test_a_page_tells_medians_and_spread_over_the_seeds(ledger: Ledger, tmp_path: Path) -> None:
    held = held_of(Ledger("survival", tmp_path))
    assert held == held_of(ledger)
    text = "\n".join(page("survival", task, held))
    assert text.count("| 0.710 [0.700, 0.720] | 3.000 [2.000, 4.000] | 4.0 | 3 |") == len(SHOWN) - 1
    assert "trimtab run examples/survival/task.py:study" in text
    draw(held, task.HEADLINE, tmp_path / "figures.png")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_that_a_method_lacks_is_left_out_of_all_that_it_is_compared_with(ledger: Ledger) -> None:
    del ledger.outcomes["study", 1, RUNS]
    searches, loops = COMPARED
    assert {method: len(found) for method, found in held_of(ledger).items()} == {
        **dict.fromkeys(searches, 1),
        **dict.fromkeys(loops, 3),
    }


def test_a_field_that_only_a_pilot_was_measured_on_has_a_page_of_that(ledger: Ledger) -> None:
    ledger.outcomes = {key: outcome for key, outcome in ledger.outcomes.items() if key[0] in ("cosine", "pilot")}
    held = held_of(ledger)
    assert list(held) == ["cosine", "pilot"]
    assert "ten runs" not in "\n".join(page("survival", task, held))


def test_the_peak_that_counts_is_the_best_by_validation() -> None:
    made = {
        "pilot/2.00e-03/0/v": {"validation_loss": 0.6, "map": 0.4, "seconds": 1.0},
        "one cycle/2.00e-03/0/v": {"validation_loss": 0.7, "map": 0.5, "seconds": 1.0},
        "one cycle/2.00e-02/0/v": {"validation_loss": 0.5, "map": 0.3, "seconds": 1.0},
    }
    lines = list(tuned("cells", made))
    assert "| **a Pilot** |  | 0.400 | 1 |" in lines
    assert "| one cycle | 2 | 0.300 | 1 |" in lines


def test_the_study_is_set_beside_the_best_peer(ledger: Ledger) -> None:
    line = beside(ledger, "survival", "study", ("default", "random search"), RUNS)
    assert line is not None
    assert (line.value, line.peer, line.peer_value, line.seeds) == (pytest.approx(0.76), "default", 0.71, 3)
    del ledger.outcomes["default", 0, RUNS]
    assert beside(ledger, "survival", "study", ("default", "random search"), RUNS) is None


def test_what_other_code_made_is_replaced(ledger: Ledger, tmp_path: Path) -> None:
    version = version_of("survival", "pilot")
    assert version not in (version_of("survival", "study"), version_of("faces", "pilot"))
    ledger.add(Outcome("pilot", 0, RUNS, version, 0.8, 3.0, 1.0))
    again = Ledger("survival", tmp_path)
    assert again.outcomes["pilot", 0, RUNS].version == version
    assert len(again.outcomes) == 3 * len(SHOWN)
