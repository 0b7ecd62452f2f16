"""Limits and further objectives: what a study may spend on a model besides its error."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import trimtab as tt
from trimtab.env import resolve
from trimtab.errors import StudyError
from trimtab.report.aims import kept_limits, pareto
from trimtab.report.story import tell
from trimtab.store.records import BranchEnded, Event, Job, Node, SegmentFinished, WorkersChanged
from trimtab.study.budget import Budget
from trimtab.study.core import Core, Plan
from trimtab.study.recruit import recruit
from trimtab.study.team import Team
from trimtab.task import Measurement

SPACE = tt.Space(lr=tt.Float(1e-5, 1.0, log=True), width=tt.Int(8, 128, log=True, live=False), depth=tt.Int(1, 4, live=False))
GOAL = tt.Goal()
HORIZON = 9


def new_core(*, runs: int = 8, seed: int = 0, **plan: object) -> Core:
    team = Team(recruit("q-learning", SPACE, seed=seed), name="q-learning", space=SPACE, goal=GOAL, reward=resolve("best"))
    return Core(Plan(SPACE, Budget(segments=runs * HORIZON), HORIZON, seed, **plan), team)


def trained(job: Job) -> SegmentFinished:
    """Return what a training would come to in which wider nets are better, larger, slower and more over-fitted."""
    width, depth = job.settings["width"], job.settings["depth"]
    off = abs(math.log10(job.settings["lr"]) + 2)
    loss = (1 + 8 / width) * math.exp(-(job.index + 1) / (1 + off))
    after = Measurement(
        {"loss": loss, "size": width / 128},
        loss / (1 + width / 64 * job.settings["lr"]),
        seconds=width / 128,
        parameters=width * width * depth,
        latency=width * depth * 1e-6,
    )
    before = Measurement({"loss": 2.3}, math.nan) if job.parent is None else None
    return SegmentFinished(Node(job, f"{job.node:064x}", before, after, GOAL.error(after.metrics)))


def play(core: Core) -> list[Event]:
    committed = core.receive(WorkersChanged(1))
    while core.jobs:
        committed += core.receive(trained(next(iter(core.jobs.values()))))
    return committed


@pytest.mark.parametrize(
    ("limits", "cost"),
    [
        ({"parameters": 1000.0}, lambda node: node.after.parameters),
        ({"latency": 1e-4}, lambda node: node.after.latency / 1e-7),
    ],
)
def test_most_of_a_budget_goes_into_models_that_are_small_enough(limits, cost) -> None:
    core = new_core(limits=limits)
    play(core)
    within = [node for node in core.tree if cost(node) <= 1000]
    assert core.tree.best in within
    assert len(within) > 0.8 * len(core.tree)
    assert all(node.excess > 0 for node in core.tree if node not in within)
    assert core.tree.best.error == min(node.error for node in within)
    assert not any(core.tree.children(node.id) for node in core.tree if node not in within)


def test_a_model_that_is_too_large_ends_its_branch_with_a_reason_and_no_agent_is_charged() -> None:
    core = new_core(limits={"parameters": 100.0}, starts=(tt.Settings(lr=0.01, width=128, depth=2),))
    core.receive(WorkersChanged(1))
    finished, ended = core.receive(trained(next(iter(core.jobs.values()))))[:2]
    assert isinstance(ended, BranchEnded)
    assert ended.node == finished.node.id == 1
    assert "parameters: 32,768, over the limit of 100" in ended.reason
    assert finished.node.excess == pytest.approx(math.log(327.68))
    assert finished.node.reward == pytest.approx(math.log(2.3) - finished.node.error)


def test_agents_are_charged_for_a_gap_that_grows() -> None:
    rewards = []
    for limits in ({}, {"gap": 0.01}):
        core = new_core(limits=limits, starts=(tt.Settings(lr=0.5, width=128, depth=2),))
        core.receive(WorkersChanged(1))
        rewards.append(core.receive(trained(next(iter(core.jobs.values()))))[0].node)
    assert rewards[0].reward - rewards[1].reward == pytest.approx(rewards[1].excess)
    assert rewards[1].excess > 1


def test_training_ends_before_its_time_is_over_and_counts_as_whole() -> None:
    core = new_core(limits={"seconds": 1.0})
    play(core)
    for leaf in (node for node in core.tree if not core.tree.children(node.id)):
        assert sum(node.after.seconds for node in core.tree.path(leaf.id)) <= 1.0
    assert core._whole >= 8


def test_a_gap_that_is_too_large_is_avoided_and_its_price_is_raised_until_it_is() -> None:
    core = new_core(limits={"gap": 0.01}, runs=12)
    events = play(core)
    best = core.tree.best
    assert math.log(best.after.metrics["loss"] / best.after.train_loss) <= 0.01
    plain = new_core(runs=12)
    play(plain)
    assert plain.tree.best.error <= best.error
    assert core.charges.prices["gap"] >= 1.0
    [kept] = kept_limits(tell([_created(limits={"gap": 0.01}), *events], GOAL))
    assert kept.price == core.charges.prices["gap"]


def test_another_objective_spreads_the_models_along_the_front() -> None:
    found = []
    for objectives in ((), ("parameters",)):
        core = new_core(objectives=objectives, runs=12)
        play(core)
        points = [(node.error, float(node.after.parameters)) for node in core.tree]
        front = [points[index] for index in pareto(points)]
        found.append(_volume(front))
    assert found[1] > found[0]


def _volume(front: list[tuple[float, float]]) -> float:
    """Return the area that a front dominates below an error of 1 and 2^17 parameters, in log parameters."""
    corner, area = math.log(2**17), 0.0
    for error, parameters in sorted(front, key=lambda point: -point[0]):
        area += max(0.0, 1 - error) * max(0.0, corner - math.log(parameters))
        corner = min(corner, math.log(parameters)) if parameters > 0 else corner
    return area


def test_a_study_with_limits_goes_on_as_if_it_had_not_been_cut_off() -> None:
    plan = {"limits": {"parameters": 3000.0, "gap": 0.05}, "objectives": ("latency",)}
    whole = new_core(**plan)
    events = play(whole)
    again = new_core(**plan)
    for event in events[:40]:
        again.receive(event)
    while again.jobs:
        again.receive(trained(next(iter(again.jobs.values()))))
    assert [node.job for node in again.tree] == [node.job for node in whole.tree]
    assert [(node.reward, node.excess) for node in again.tree] == [(node.reward, node.excess) for node in whole.tree]


def _created(**config: object) -> Event:
    from trimtab.store.records import StudyCreated

    return StudyCreated(config, "", None)


def test_the_front_leaves_out_what_another_beats() -> None:
    rng = np.random.default_rng(0)
    points = [tuple(row) for row in rng.random((60, 3))]
    front = pareto(points)
    for index, point in enumerate(points):
        beaten = any(all(np.array(points[kept]) <= np.array(point)) for kept in front if kept != index)
        assert beaten == (index not in front)


# as a user meets it: a real training


def digits_task() -> tt.TorchTask:
    pixels, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)

    def build(settings: tt.Settings) -> nn.Module:
        return nn.Sequential(nn.Linear(64, settings["width"]), nn.ReLU(), nn.Linear(settings["width"], 10))

    return tt.TorchTask(build=build, train=(x[:600], y[:600]), validation=(x[600:800], y[600:800]), test=(x[800:], y[800:]))


DIGITS = tt.Space(lr=tt.Float(1e-4, 1e-1, log=True), width=tt.Int(4, 128, log=True, live=False))


def new_study(folder: Path, **options: object) -> tt.Study:
    given = {"budget": tt.Budget(segments=24), "horizon": 4, "store": folder / "study.db", **options}
    return tt.Study(digits_task(), DIGITS, **given)


def test_a_user_gets_the_best_model_that_is_small_enough_and_the_front(tmp_path: Path) -> None:
    result = new_study(tmp_path, limits={"parameters": 2000}, objectives=["latency"]).run()
    assert 0 < result.best.quantities["parameters"] <= 2000
    size = sum(parameter.numel() for parameter in result.load_model().parameters())
    assert size == result.best.quantities["parameters"]
    front = result.front("parameters")
    assert [one.error for one in front] == sorted(one.error for one in front)
    assert [one.quantities["parameters"] for one in front] == sorted(
        (one.quantities["parameters"] for one in front), reverse=True
    )
    smallest = front[-1]
    assert (
        sum(parameter.numel() for parameter in result.load_model(smallest.node).parameters())
        == smallest.quantities["parameters"]
    )
    assert result.best_within(parameters=smallest.quantities["parameters"]).node == smallest.node
    assert result.best_within(seconds=1e9).error == min(node.error for node in result.tree)
    assert "keeps to the limit on parameters" in result.explain()
    assert result.plot("front").axes[0].get_xlabel() == "latency"
    result.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "What the models cost" in page
    assert "Pareto front" in page
    with pytest.raises(StudyError, match="no model of this study keeps to parameters 3"):
        result.best_within(parameters=3)
    with pytest.raises(StudyError, match="does not measure it; a quantity is one of parameters"):
        result.front("size")


def test_limits_are_part_of_the_study(tmp_path: Path) -> None:
    new_study(tmp_path, limits={"parameters": 2000}, budget=tt.Budget(segments=4)).run()
    with pytest.raises(StudyError, match="another limits"):
        new_study(tmp_path, budget=tt.Budget(segments=4)).run()


def test_limits_that_nothing_keeps_to_leave_the_nearest_model_and_say_so(tmp_path: Path) -> None:
    result = new_study(tmp_path, limits={"parameters": 3}).run()
    assert "No model keeps to the limit on parameters" in result.explain()
    assert result.best.quantities["parameters"] == min(node.after.parameters for node in result.tree)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"limits": {"weight": 5}},
            r"limits\['weight'\]: expected one of parameters, latency, seconds, gap, loss.*got 'weight'",
        ),
        ({"limits": {"parameters": 0}}, r"limits\['parameters'\]: expected a positive number, got 0"),
        ({"limits": {"parameters": math.nan}}, "expected a positive number, got nan"),
        ({"limits": 5}, "limits: expected quantities with their most"),
        ({"objectives": "seconds"}, "objectives: expected a list of quantities"),
        ({"objectives": ["loss"]}, "objectives: 'loss' is the goal already"),
        ({"objectives": ["seconds", "seconds"]}, "objectives: expected different ones"),
        ({"objectives": ["speed"]}, "objectives: expected one of parameters"),
    ],
)
def test_what_cannot_be_kept_to_is_refused_at_once(tmp_path: Path, options, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        new_study(tmp_path, **options)
