"""Agents that tune an agent: the seeds that all compared methods have, and the last version of the code for each."""

from pathlib import Path

import pytest

pytest.importorskip("stable_baselines3")

from benchmarks.domains_suite.reinforcement_page import write
from benchmarks.reinforcement import AT_BEST, CELLS, SEARCHES, Cell, compared, kept, returns

CELL = CELLS[0]


def test_compared_are_the_seeds_that_all_have_by_the_code_that_came_last(tmp_path: Path) -> None:
    held = kept(tmp_path)
    for key, value in (("published/0/a", 100.0), ("published/0/b", 200.0), ("published/1/b", 300.0), ("pilot/0/c", 250.0)):
        held.get(f"{CELL.name}/{key}", lambda value=value: {"return": value, "at its best": value + 10, "seconds": 1.0})
    found = returns(CELL, kept(tmp_path))
    assert found == {"published": [200.0], "pilot": [250.0], AT_BEST: [210.0]}
    (line,) = compared(CELL, found)
    assert (line.value, line.peer, line.peer_value, line.seeds) == (250.0, AT_BEST, 210.0, 1)


def test_a_study_is_set_beside_the_best_search(tmp_path: Path) -> None:
    found = {method: [float(value)] for value, method in enumerate(SEARCHES, 1)}
    (line,) = compared(CELL, found)
    assert (line.peer, line.ratio) == ("pbt", pytest.approx(5 / 4))


def test_a_training_is_a_module_like_those_of_the_examples() -> None:
    for cell in CELLS:
        module = cell.module()
        module.make_task(0).check(module.SPACE)
        assert module.HORIZON * cell.segment == cell.steps


def test_the_page_tells_what_was_measured_and_draws_the_curves(tmp_path: Path) -> None:
    held = kept(tmp_path)
    for method in ("published", "pilot"):
        curve = {f"after {steps}": steps / 100 for steps in (1024, 2048, 10240)}
        held.get(
            f"{CELL.name}/{method}/0/a", lambda curve=curve: {"return": 99.0, "at its best": 120.0, "seconds": 1.0, **curve}
        )
    write(tmp_path, held)
    text = (tmp_path / "README.md").read_text()
    assert f"| {CELL.name}, {CELL.steps:,} steps |" in text
    assert "| **a Pilot** for the rate, else the same | 99.0 |" in text
    assert "ten trainings" not in text
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_a_population_stays_in_its_space() -> None:
    population = pytest.importorskip("benchmarks.domains_suite.population", reason="needs ray[tune]", exc_type=ImportError)
    space = CELL.module().SPACE
    strayed = {**space.default(), "lr": 0.5, "batch_size": 63.7, "width": 32}
    assert population.within(space, strayed) == {**space.default(), "lr": 0.01, "batch_size": 64, "width": 32}
    assert all(space["batch_size"].low <= population.domain(space["batch_size"]).sample() <= 256 for _ in range(20))


@pytest.mark.slow
def test_a_population_is_trained_to_its_end() -> None:
    population = pytest.importorskip("benchmarks.domains_suite.population", reason="needs ray[tune]", exc_type=ImportError)
    metrics = population.pbt(Cell("CartPole-v1", "ppo", 1024).module(), 0, 2)
    assert 8 < metrics["return"] <= 500
