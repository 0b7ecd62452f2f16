"""A learner of a stream: what it learns, when it sees a change, what it refuses, and that it can stop and go on."""

import io
import math

import numpy as np
import pytest
import torch
from torch import nn

import trimtab as tt
from trimtab.continual.branch import START
from trimtab.continual.deciding import HEADS, KEEP, Deciders, Trial, observe
from trimtab.continual.drift import Drift
from trimtab.continual.memory import Memory, Yardsticks
from trimtab.errors import DataError, TaskError

GENERATOR = torch.Generator().manual_seed(0)


def build():
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))


def chunks(count, *, turned=lambda index: False, size=40):
    """Points in a square, the class by a diagonal that may be turned."""
    generator = torch.Generator().manual_seed(1)
    for index in range(count):
        x = torch.rand(size, 2, generator=generator) * 2 - 1
        side = x[:, 0] + x[:, 1] if not turned(index) else x[:, 0] - x[:, 1]
        yield x, (side > 0).long()


def reports(learner, stream):
    return [learner.step(x, y) for x, y in stream]


def without_seconds(told):
    return [(each.index, each.loss, each.losses, each.settings, each.trial, each.won, each.drift) for each in told]


@pytest.mark.parametrize("agent", ["dqn", "sarsa", "q-learning", "random", None])
def test_a_stream_is_learned_and_every_chunk_is_predicted_before(agent):
    told = reports(tt.Continual(build, agent=agent, seed=0), chunks(30))
    assert told[0].metrics["error"] > 0.2
    assert np.mean([each.metrics["error"] for each in told[20:]]) < 0.06
    assert [each.index for each in told] == list(range(30))


def test_the_loss_of_a_chunk_is_of_the_prediction_made_before_it():
    learner = tt.Continual(build, seed=0)
    for x, y in chunks(5):
        expected = nn.functional.cross_entropy(learner.predict(x), y).item()
        assert learner.step(x, y).loss == pytest.approx(expected)


def test_a_change_of_the_stream_is_seen_and_recovered_from():
    told = reports(tt.Continual(build, seed=0), chunks(60, turned=lambda index: index >= 30))
    assert next(each.index for each in told if each.drift and each.index > 2) in (30, 31)
    assert told[30].metrics["error"] > 0.3
    assert np.mean([each.metrics["error"] for each in told[45:]]) < 0.15


def test_after_a_change_what_was_known_is_forgotten_and_that_is_measured():
    learner = tt.Continual(build, memory=100, seed=0)
    assert math.isnan(learner.forgetting())
    reports(learner, chunks(25))
    steady = learner.forgetting()
    reports(learner, chunks(40, turned=lambda index: True))
    assert learner.forgetting() > steady + 0.2


def test_the_same_seed_and_stream_give_the_same_run():
    one, other = (reports(tt.Continual(build, seed=3), chunks(25)) for _ in range(2))
    assert without_seconds(one) == without_seconds(other)


@pytest.mark.parametrize("agent", ["dqn", "q-learning", None])
def test_a_learner_goes_on_from_a_file_exactly_where_it_was(agent):
    whole, begun = (tt.Continual(build, agent=agent, seed=0) for _ in range(2))
    stream = list(chunks(40, turned=lambda index: index >= 15))
    expected = reports(whole, stream)
    reports(begun, stream[:23])
    file = io.BytesIO()
    torch.save(begun.state_dict(), file)
    file.seek(0)
    resumed = tt.Continual(build, agent=agent, seed=0)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert without_seconds(reports(resumed, stream[23:])) == without_seconds(expected[23:])
    assert resumed.forgetting() == pytest.approx(whole.forgetting())


def test_a_state_of_other_agents_is_refused():
    with pytest.raises(TaskError, match="state: expected that of a learner with the same agent"):
        tt.Continual(build, agent=None).load_state_dict(tt.Continual(build).state_dict())


def test_numbers_are_learned_too_from_several_inputs():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 1)

        def forward(self, one, two):
            return self.linear(torch.cat([one, two], 1)).squeeze(1)

    learner = tt.Continual(Sum, loss="mse", seed=0)
    for _ in range(30):
        one, two = torch.randn(50, 1, generator=GENERATOR), torch.randn(50, 2, generator=GENERATOR)
        told = learner.step((one, two), one[:, 0] - two[:, 1])
    assert told.metrics["rmse"] < 0.3
    assert learner.predict((one, two)).shape == (50,)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.long), "expected at least one example, got none: the stream has ended"),
        (torch.zeros(4, 3), torch.zeros(4, dtype=torch.long), r"expected examples as in the first chunk, \(2,\) float32"),
        (torch.zeros(4, 2), torch.zeros(3, dtype=torch.long), "equal length, got 4 and 3"),
        (torch.zeros(4, 2), torch.tensor([0, 1, 2, 0]), "label 2 is out of range: the model has 2 outputs, labels 0 to 1"),
        (torch.zeros(4, 2), torch.tensor([0, 1, -1, 0]), "label -1 is out of range"),
        (
            torch.tensor([[0.0, math.nan], [1.0, 1.0]]),
            torch.tensor([0, 1]),
            "got 1 examples that are NaN or infinite, the first at 0",
        ),
        (torch.zeros(4, 2), torch.zeros(4), r"expected examples as in the first chunk, .* int64; got .* float32"),
        ("rows", torch.zeros(4), "inputs: expected a tensor or an array of numbers, got str"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_and_changes_nothing(inputs, targets, message):
    learner, untouched = tt.Continual(build, seed=0), tt.Continual(build, seed=0)
    stream = list(chunks(6))
    reports(learner, stream[:3])
    reports(untouched, stream[:3])
    with pytest.raises(DataError, match=message):
        learner.step(inputs, targets)
    assert without_seconds(reports(learner, stream[3:])) == without_seconds(reports(untouched, stream[3:]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps: expected a positive whole number or None, got 0"),
        ({"memory": 2.5}, "memory: expected a positive whole number"),
        ({"agent": "pilot"}, "agent: expected one of 'dqn', 'sarsa', 'q-learning', 'random' or None, got 'pilot'"),
        ({"loss": "crossentropy"}, "loss: expected one of cross_entropy"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, message):
    with pytest.raises(TaskError, match=message):
        tt.Continual(build, **options)


def test_what_build_returns_is_checked():
    with pytest.raises(TaskError, match=r"build: expected it to return a torch\.nn\.Module, got dict"):
        tt.Continual(dict)


def test_a_training_that_blows_up_is_put_back_and_goes_on_slower():
    def wild(output, target):
        return nn.functional.cross_entropy(output, target) * (math.nan if torch.is_grad_enabled() else 1.0)

    learner = tt.Continual(build, loss=wild, agent=None, seed=0)
    before = {name: value.clone() for name, value in learner.branches[0].model.state_dict().items()}
    told = reports(learner, chunks(2))
    assert all(value.equal(before[name]) for name, value in learner.branches[0].model.state_dict().items())
    assert told[1].settings[0]["lr"] < told[0].settings[0]["lr"]
    assert learner.branches[0].settings["lr"] < START["lr"]


def test_memory_is_bounded():
    learner = tt.Continual(build, memory=64, seed=0)
    reports(learner, chunks(120))
    assert len(learner.memory) == 64
    assert len(learner.yardsticks.periods) <= 17
    assert all(len(period[0]) <= 8 for period in learner.yardsticks.periods)


def test_the_memory_keeps_the_latest_and_draws_from_a_window():
    memory = Memory(10)
    for start in range(0, 40, 4):
        memory.add((torch.arange(start, start + 4),))
    assert memory.kept[0].tolist() == list(range(30, 40))
    assert memory.draw(200, 0.3, GENERATOR)[0].unique().tolist() == [37, 38, 39]


def test_periods_are_thinned_as_a_stream_grows_long():
    yardsticks = Yardsticks(most=4)
    for index in range(100):
        if yardsticks.add((torch.tensor([index]),), index):
            yardsticks.close(0.0)
    assert len(yardsticks.levels) <= 16
    assert yardsticks.span == 8


def test_drift_is_a_rise_of_errors_and_not_a_fall():
    rng = np.random.default_rng(0)
    drift = Drift()
    assert not any(drift.update(rng.binomial(1, 0.5, 20).tolist()) for _ in range(20))
    assert not any(drift.update(rng.binomial(1, 0.1, 20).tolist()) for _ in range(20))
    assert any(drift.update(rng.binomial(1, 0.6, 20).tolist()) for _ in range(3))


def test_agents_learn_which_move_pays():
    """Only a faster rate pays: soon it is what is tried most."""
    deciders = Deciders("dqn", seed=0)
    seen = observe(START, trend=0.0, since_drift=10, index=10)
    tried = []
    for _ in range(60):
        trial = deciders.propose(seen, START, origins=(True, True, True))
        if trial is None:
            continue
        moved = next(head for head in range(len(HEADS)) if trial.action[head] != KEEP[head])
        pays = moved == 0 and trial.action[0] > KEEP[0]
        trial.gains.extend([0.1 if pays else -0.1] * 8)
        deciders.learn(trial, seen)
        tried.append(pays)
    assert np.mean(tried[-20:]) > 0.8 > np.mean(tried[:4])


def test_a_challenger_wins_by_more_than_chance_or_not_at_all():
    def trial(gains):
        return Trial(np.zeros(1, dtype=np.float32), KEEP, [], list(gains))

    assert trial([0.1, 0.12, 0.09, 0.11]).won
    assert not trial([0.5, -0.4, 0.5, -0.4]).won
    assert not trial([0.1]).won
    assert trial([-0.3, -0.3, -0.3]).lost
