"""What a pretrained policy tells the agents of a study."""

from __future__ import annotations

import math

import numpy as np
import pytest

import trimtab as tt
from trimtab.agents import make
from trimtab.env import Trace
from trimtab.policy.advice import UNKNOWN, Adviser
from trimtab.policy.policy import Policy
from trimtab.policy.rules import MARGIN, gain
from trimtab.policy.sight import FEATURES
from trimtab.space import Settings
from trimtab.task import Measurement, Telemetry

SPACE = tt.Space(
    lr=tt.Float(1e-5, 1.0, log=True),
    batch_size=tt.Int(16, 512, log=True),
    optimizer=tt.Categorical("sgd", "adam"),
    dropout=tt.Float(0.0, 0.6),
)
START = Settings(lr=1e-3, batch_size=64, optimizer="adam", dropout=0.0)


class Says(Policy):
    """A policy whose members think that a rate ten thousand times higher is worth 0.6, and a lower one −0.6."""

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    @property
    def levers(self) -> tuple[str, ...]:
        return ("lr", "knob")

    def members(self, observation: np.ndarray) -> np.ndarray:
        self.asked.append(observation)
        return np.array([[[-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6], [0.0] * 7]] * 2) + np.array([0.1, 0.0])[:, None, None]


def run_of(losses: list[float], settings: Settings = START) -> Trace:
    trace = Trace(START, Measurement({"loss": 2.3}, math.nan), (), 10)
    for loss in losses:
        telemetry = Telemetry((loss,), (1.0,), 10.0, 0.5, 0.1, 0.05, 0.2, 0.1, -0.1)
        trace = trace.extended(settings, Measurement({"loss": loss}, loss, steps=20, telemetry=telemetry))
    return trace


def seen(adviser: Adviser, trace: Trace):
    view = adviser.see(Trace(trace.start, trace.before, (), trace.horizon), None)
    for count in range(1, len(trace.steps) + 1):
        view = adviser.see(Trace(trace.start, trace.before, trace.steps[:count], trace.horizon), view)
    return view


def test_advice_is_what_the_least_convinced_member_thinks_less_what_a_move_must_be_worth() -> None:
    adviser = Adviser(Says(), SPACE)
    told = adviser.advice(seen(adviser, run_of([2.0, 1.5])), START)
    rate = told[0, : len(SPACE["lr"].moves)]
    assert [str(move) for move in SPACE["lr"].moves] == ["÷ 5", "÷ 2", "÷ 1.25", "keep", "× 1.25", "× 2", "× 5"]
    assert rate[3] == 0.0
    assert rate[6] == pytest.approx(float(gain(np.array(0.6)) - gain(np.array(MARGIN))), abs=1e-6)
    assert (np.diff(rate[[0, 1, 2, 4, 5, 6]]) > 0).all()
    assert told[2, :3].tolist() == pytest.approx([0.0, UNKNOWN, UNKNOWN])  # another optimizer: nothing is known of it


def test_every_number_that_has_no_name_is_asked_for_as_a_knob_where_it_stands() -> None:
    policy = Says()
    adviser = Adviser(policy, SPACE)
    adviser.advice(seen(adviser, run_of([2.0])), START)
    by_name, by_place = policy.asked  # all levers with a name at once, and the batch size
    column = FEATURES.index("knob")
    assert by_name[column] == 0.0
    assert by_place[column] == pytest.approx(SPACE["batch_size"].encode(64)[0])


def test_what_is_seen_of_a_path_does_not_hang_on_its_siblings() -> None:
    adviser = Adviser(Policy.load(), SPACE)
    trace = run_of([2.0, 1.5, 1.2])
    before = seen(adviser, Trace(trace.start, trace.before, trace.steps[:2], trace.horizon))
    first = adviser.see(trace, before).observation
    adviser.see(run_of([2.0, 1.5, 9.0]), before)
    np.testing.assert_array_equal(adviser.see(trace, before).observation, first)


def test_a_divergence_is_seen_and_no_number_is_lost_for_it() -> None:
    adviser = Adviser(Policy.load(), SPACE)
    view = seen(adviser, run_of([2.0, math.nan]))
    assert np.isfinite(view.observation).all()
    assert np.isfinite(adviser.advice(view, START)).all()


def test_an_advised_agent_begins_at_the_advice_and_learns_where_it_is_wrong() -> None:
    agent = make(
        "dqn", features=1 + 3, heads=(3,), seed=0, advised=True, hidden=(16,), learning_starts=4, train_every=1, n_step=1,
        exploration={"name": "epsilon-greedy", "start": 0.3, "end": 0.3, "steps": 1}, gradient_steps=2,
    )  # fmt: skip
    told = np.array([1.0, 0.0, 0.5, 0.0], dtype=np.float32)
    decision = agent.decide(told, explore=False)
    assert decision.action == (1,)
    np.testing.assert_allclose(decision.values[0], [0.0, 0.5, 0.0], atol=1e-6)
    np.testing.assert_allclose(agent.value(told[None]), [[0.5]], atol=1e-6)
    from trimtab.agents import Transition

    for _ in range(300):
        action = agent.decide(told).action
        reward = 1.0 if action == (2,) else 0.0
        agent.learn(Transition(told, action, reward, told, terminated=True))
    assert agent.decide(told, explore=False).action == (2,)


def test_advice_needs_room_and_rewards_as_they_are() -> None:
    with pytest.raises(tt.TrimtabError, match="features: expected at least 2 heads × 3 moves"):
        make("dqn", features=5, heads=(3, 2), seed=0, advised=True)
    with pytest.raises(tt.TrimtabError, match="normalise_rewards: expected 'none' where advised=True"):
        make("dqn", features=9, heads=(3, 2), seed=0, advised=True, normalise_rewards="scale")
