"""What the DQN values, how its parts work together, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimtab.agents import Agent, DQNAgent, Transition, decode, make
from trimtab.errors import AgentError

COORDINATIONS = ("independent", "value-decomposition", "sequential")
ENSEMBLES: tuple[dict[str, Any], ...] = (
    {"members": 1},
    {"members": 3},
    {"members": 3, "trunk": "shared"},
    {"members": 2, "prior_scale": 0.0, "branch": 8},
)
RANDOM = {"name": "epsilon-greedy", "start": 1.0, "end": 1.0, "steps": 0}
SMALL: dict[str, Any] = {
    "hidden": (32,), "learning_starts": 16, "batch_size": 32, "train_every": 1, "lr": 5e-3, "target_every": 10, "gradient_steps": 1, "exploration": RANDOM,
}  # fmt: skip


def agent(heads: tuple[int, ...] = (3, 2, 4), features: int = 2, seed: int = 0, **options: Any) -> DQNAgent:
    made = make("dqn", features=features, heads=heads, seed=seed, **{**SMALL, **options})
    assert isinstance(made, DQNAgent)
    return made


def live(learner: Agent, steps: int = 60, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for step in range(steps):
        here, there = rng.normal(size=(2, 2))
        action = learner.decide(here, stream=step // 5).action
        learner.learn(Transition(here, action, float(rng.normal()), there, step % 5 == 4, stream=step // 5))


@pytest.mark.parametrize("dueling", [True, False])
@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("coordination", COORDINATIONS)
def test_a_decision_and_the_value_of_its_observation_agree(coordination: str, ensemble: dict[str, Any], dueling: bool) -> None:
    """Decisions are computed in NumPy from folded weights, values in torch: they must be the same function."""
    learner = agent(coordination=coordination, dueling=dueling, prior=[[0, 1, 0], [2, 0], [0, 0, 0, 3]], **ensemble)
    live(learner)
    x = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)
    values = learner.value(x)
    assert values.shape == (ensemble["members"], 20)
    if ensemble["members"] > 1:
        assert (values.std(axis=0) > 0).all()
        return
    for observation, value in zip(x, values[0], strict=True):
        best = [head.max() for head in learner.decide(observation, explore=False).values]
        worth = {"independent": np.mean(best), "value-decomposition": np.sum(best), "sequential": best[0]}[coordination]
        assert value == pytest.approx(worth, abs=1e-4)


def test_sequential_heads_agree_on_what_the_whole_is_worth() -> None:
    learner = agent(coordination="sequential")
    live(learner)
    best = [head.max() for head in learner.decide(np.zeros(2), explore=False).values]
    assert best == pytest.approx([best[0]] * 3, abs=1e-5)


def test_masks_count_in_values_of_observations() -> None:
    learner = agent(heads=(3,), prior=[[0, 1, 5]])
    allowed = [np.array([True, True, False])]
    assert learner.value(np.zeros((1, 2)))[0, 0] == pytest.approx(5.0)
    assert learner.value(np.zeros((1, 2)), [allowed])[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("coordination", COORDINATIONS)
def test_before_anything_is_learned_the_prior_decides(coordination: str) -> None:
    learner = agent(prior=[[0, 0, 1], [1, 0], [0, 1, 0, 0]], coordination=coordination)
    for x in np.random.default_rng(0).normal(size=(10, 2)):
        assert learner.decide(x, explore=False).action == (2, 0, 1)


@pytest.mark.parametrize(("end", "value"), [("terminated", 1.0), ("truncated", 2.0)])
@pytest.mark.parametrize("options", [{"n_step": 1}, {"n_step": 3}, {"n_step": 1, "double": False, "tau": 0.5}])
def test_what_is_cut_off_is_worth_more_than_what_is_over(end: str, value: float, options: dict[str, Any]) -> None:
    """One state, reward 1, γ = 1/2: 1 if it ends there, 1 + 1/2 + 1/4 + … = 2 if it would have gone on."""
    learner = agent(heads=(2,), features=1, gamma=0.5, **options)
    x = np.ones(1, dtype=np.float32)
    for stream in range(400):
        learner.learn(Transition(x, (stream % 2,), 1.0, x, end == "terminated", end == "truncated", stream=stream))
    assert learner.value(x[None])[0, 0] == pytest.approx(value, abs=0.1)


def test_a_target_looks_only_at_moves_that_will_be_allowed() -> None:
    """Move 1 pays 1 and is forbidden later on, so that with γ = 1/2 move 0, which pays nothing, is worth nothing."""
    learner = agent(heads=(2,), features=1, gamma=0.5, n_step=1)
    x = np.ones(1, dtype=np.float32)
    only_first = [np.array([True, False])]
    for step in range(500):
        first = step % 2 == 0
        learner.learn(
            Transition(x, (0 if first else 1,), 0.0 if first else 1.0, x, not first, next_masks=only_first if first else None)
        )
    values = learner.decide(x, explore=False).values[0]
    assert values == pytest.approx([0.0, 1.0], abs=0.1)


@pytest.mark.parametrize(("coordination", "earns"), [("value-decomposition", 0.0), ("sequential", 8.0)])
def test_only_heads_that_see_each_other_solve_the_game_of_penalties(coordination: str, earns: float) -> None:
    """Son et al. 2019: a known limit of values that are added."""
    payoff = np.array([[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]])
    learner = agent(heads=(3, 3), features=1, coordination=coordination, n_step=1, branch=16, lr=1e-2, train_every=2)
    x = np.ones(1, dtype=np.float32)
    for stream in range(1000):
        action = learner.decide(x, stream=stream).action
        learner.learn(Transition(x, action, float(payoff[action]), x, True, stream=stream))
    assert payoff[learner.decide(x, explore=False).action] == earns


def test_rewards_of_any_size_can_be_learned_when_they_are_scaled() -> None:
    learner = agent(heads=(2,), features=1, normalise_rewards="scale", n_step=1)
    x = np.ones(1, dtype=np.float32)
    for stream in range(400):
        arm = stream % 2
        learner.learn(Transition(x, (arm,), 1e6 * arm, x, True, stream=stream))
    assert learner.decide(x, explore=False).values[0] == pytest.approx([0.0, 1e6], abs=1e5)


def test_members_doubt_most_where_they_have_never_been() -> None:
    learner = agent(heads=(2,), features=1, members=5, bootstrap=0.5, prior_scale=1.0, n_step=1)
    rng = np.random.default_rng(0)
    for stream in range(300):
        x = rng.uniform(-0.5, 0.5, size=1)
        learner.learn(Transition(x, (stream % 2,), float(x[0]), x, True, stream=stream))
    near, far = learner.value(np.array([[0.0], [8.0]])).std(axis=0)
    assert far > 3 * near


def test_an_agent_without_its_experience_is_small_and_decides_the_same() -> None:
    learner = agent()
    live(learner, steps=200)
    whole, bare = learner.encode(), learner.encode(experience=False)
    assert len(bare) < len(whole)
    x = np.array([0.3, -0.2])
    assert decode(bare).decide(x, explore=False).action == learner.decide(x, explore=False).action


def test_an_agent_changed_on_its_way_is_refused() -> None:
    data = agent().encode()
    for wrong in (data.replace(b'"hidden\\"', b'"hiddem\\"'), data.replace(b'\\"format\\": 1', b'\\"format\\": 9'), data[:-8]):
        with pytest.raises(AgentError, match="data"):
            decode(wrong)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"gamma": 1.01}, "gamma"),
        ({"gamma": "high"}, "gamma"),
        ({"lr": 0.0}, "lr"),
        ({"hidden": ()}, "hidden"),
        ({"hidden": (64, 0)}, "hidden[1]"),
        ({"batch_size": 0}, "batch_size"),
        ({"n_step": 0}, "n_step"),
        ({"members": 0}, "members"),
        ({"gradient_steps": 0}, "gradient_steps"),
        ({"tau": 0.0}, "tau"),
        ({"bootstrap": 0.0}, "bootstrap"),
        ({"double": 1}, "double"),
        ({"trunk": "none"}, "'separate', 'shared'"),
        ({"coordination": "joint"}, "'independent', 'value-decomposition', 'sequential'"),
        ({"normalise_rewards": True}, "normalise_rewards"),
        ({"prior": [[0.0]]}, "prior"),
        ({"prior": [[0, 0, 0], [0, 0], [0, 0, 0, float("nan")]]}, "prior[2]"),
        ({"learning_rate": 0.1}, "'lr'"),
    ],
)
def test_an_option_that_is_not_legal_is_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(AgentError) as caught:
        agent(**options)
    assert named in str(caught.value)


def test_an_agent_that_is_unknown_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(AgentError, match="'q-learning', 'sarsa', 'dqn', 'neural', 'linear', 'bernoulli', 'random'"):
        make("ppo", features=1, heads=(2,), seed=0)
    with pytest.raises(AgentError, match="expected none"):
        make("random", features=1, heads=(2,), seed=0, gamma=1.0)
