"""The pages of the fields: medians of the seeds that all methods have, and a picture."""

from pathlib import Path

from benchmarks.domain_pages import draw, held_of, page
from benchmarks.domains import METHODS, key_of
from examples.survival import task

MADE = {
    key_of("survival", method, seed): {"figure": 0.7 + seed / 100, "loss": 4.0 - seed, "seconds": 3.0 + seed}
    for method in METHODS
    for seed in range(3)
}


def test_a_page_tells_medians_and_spread_over_the_seeds(tmp_path: Path) -> None:
    held = held_of("survival", MADE)
    text = "\n".join(page("survival", task, held))
    assert text.count("| 0.710 [0.700, 0.720] | 3.000 [2.000, 4.000] | 4.0 |") == len(METHODS)
    assert "median of 3 seeds" in text
    assert "trimtab run examples/survival/task.py:study" in text
    draw(held, task.HEADLINE, tmp_path / "figures.png")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_that_a_method_lacks_is_left_out_with_all_after_it() -> None:
    made = {key: figures for key, figures in MADE.items() if key != key_of("survival", "study", 1)}
    assert {method: len(figures) for method, figures in held_of("survival", made).items()} == dict.fromkeys(METHODS, 1)
