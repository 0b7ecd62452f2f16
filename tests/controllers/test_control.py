from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import trimtab as tt
from tests.controllers.systems import Lamp, at_night, lamp, valves
from trimtab.errors import ControlError, PolicyError, StudyError
from trimtab.store.records import SegmentFailed, SegmentFinished

BUDGET = tt.Budget(episodes=60)


def run(system: Any, path: Path, **given: Any) -> tt.ControlResult:
    return tt.control(system, **{"budget": BUDGET, "seed": 0, "store": path / "control.db", **given})


def test_agents_learn_what_no_rule_says(tmp_path: Path) -> None:
    result = run(lamp(), tmp_path)
    found = result.evaluate(seeds=10)
    assert {standing.name for standing in found.standings} == {"policy", "at-night", "never"}
    assert found.best_rule.name == "at-night"
    assert found.ratio()[0] < 1.2
    assert "ratio to the best rule, at-night" in str(found)
    assert not result.policy.guarded


def test_an_agent_without_a_lesson_does_what_the_rule_does(tmp_path: Path) -> None:
    system = replace(lamp(), trusted="at-night")
    result = run(system, tmp_path, budget=tt.Budget(episodes=4))
    before = result.study.tree[1].before
    assert before is not None
    assert before.metrics["cost"] == before.metrics["rule"]


def test_a_policy_that_is_no_better_than_its_rule_leaves_it_all_to_the_rule(tmp_path: Path) -> None:
    result = run(replace(lamp(), trusted="at-night"), tmp_path, budget=tt.Budget(episodes=10))
    assert result.policy.guarded
    assert result.evaluate(seeds=5, against=["at-night"]).ratio() == (1.0, 1.0, 1.0)


def test_a_policy_that_was_better_by_chance_leaves_it_to_the_rule_too(tmp_path: Path) -> None:
    result = run(replace(lamp(), trusted="never"), tmp_path)
    assert not result.policy.guarded
    state = result.task.decode(result.study.checkpoint(result.best.node))
    assert result.task.confirmed(state)
    # beside a rule that it cannot beat, what it cost where it was chosen does not help it
    assert not replace(result.task, rule="at-night").confirmed(state)


def test_agents_of_one_kind_share_a_learner_and_keep_to_their_masks(tmp_path: Path) -> None:
    result = run(valves(), tmp_path)
    assert len(result.policy.crew.learners) == 1
    found = result.evaluate(seeds=5, against=["random"])
    assert found.policy.mean("cost") < 0.3 * found.standings[1].mean("cost")


@pytest.mark.parametrize("coordination", ["value-decomposition", "sequential"])
def test_agents_can_be_valued_together(tmp_path: Path, coordination: str) -> None:
    result = run(valves(), tmp_path, coordination=coordination, budget=tt.Budget(episodes=100))
    assert result.policy.crew.kinds == {"agent": "6 -> MultiDiscrete([3 3 3])"}
    found = result.evaluate(seeds=5, against=["random", "as-told"])
    assert found.policy.mean("cost") < 0.6 * found.standings[1].mean("cost")
    assert found.standings[2].mean("cost") == 0.0


def test_a_table_learns_where_the_state_is_a_number(tmp_path: Path) -> None:
    def lake() -> Any:
        return gymnasium.make("FrozenLake-v1", is_slippery=False)

    result = run(lake, tmp_path, agent="q-learning", budget=tt.Budget(episodes=1000))
    assert result.evaluate(seeds=5, against=["random"]).policy.mean("cost") == -1.0


def test_a_limit_is_kept_by_a_price_that_rises(tmp_path: Path) -> None:
    free = run(lamp(), tmp_path, name="free")
    held = run(lamp(), tmp_path, name="held", limits={"power": 2.0})
    assert held.best.metrics["power"] <= 3.0 < free.best.metrics["power"]


def test_the_same_seed_gives_the_same_and_a_store_is_gone_on_with(tmp_path: Path) -> None:
    whole = run(lamp(), tmp_path, name="whole", budget=tt.Budget(episodes=40))
    stopped: list[Any] = []

    class Stop:
        def recall(self, events: Any) -> None: ...
        def close(self) -> None: ...
        def receive(self, event: Any) -> None:
            stopped.append(event)
            if sum(isinstance(each, SegmentFinished) for each in stopped) == 4:
                import os
                import signal

                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(lamp(), tmp_path, name="parts", budget=tt.Budget(episodes=40), loggers=[Stop()])
    parts = run(lamp(), tmp_path, name="parts", budget=tt.Budget(episodes=40))
    assert [node.checkpoint for node in parts.study.tree] == [node.checkpoint for node in whole.study.tree]


def test_a_policy_is_a_file(tmp_path: Path) -> None:
    result = run(lamp(), tmp_path)
    result.policy.save(tmp_path / "lamp.safetensors")
    read = tt.Policy.load(tmp_path / "lamp.safetensors")
    from trimtab.controllers import evaluate

    told, kept = (evaluate(policy, lamp(), seeds=5, against=["never"]) for policy in (read, result.policy))
    assert np.array_equal(told.policy.costs["cost"], kept.policy.costs["cost"])
    (tmp_path / "none.safetensors").write_bytes(b"nothing")
    with pytest.raises(PolicyError, match="none that a control has saved"):
        tt.Policy.load(tmp_path / "none.safetensors")
    with pytest.raises(ControlError, match="which valves has not"):
        evaluate(read, valves(), seeds=1)
    alone = run(replace(lamp(), trusted=None), tmp_path, name="alone", budget=tt.Budget(episodes=4)).policy
    with pytest.raises(ControlError, match="of another kind"):
        evaluate(alone, valves(), seeds=1)


def test_a_crash_in_mid_episode_costs_the_episode(tmp_path: Path) -> None:
    result = run(replace(lamp("crash"), trusted=None), tmp_path, budget=tt.Budget(episodes=20))
    assert len(result.study.tree) > 5


def test_a_simulator_that_takes_its_process_down_costs_a_segment(tmp_path: Path) -> None:
    system = replace(lamp(f"die:{tmp_path / 'dead'}"), trusted=None)
    result = run(system, tmp_path, budget=tt.Budget(episodes=8), runner="processes")
    assert (tmp_path / "dead").exists()
    assert sum(node.after.episodes for node in result.study.tree) >= 8
    assert any(isinstance(event, SegmentFailed) for event in result.study.events)


@pytest.mark.parametrize(("fault", "told"), [("always", "the fuse blew"), ("nan", "finite numbers"), ("shape", "2 numbers")])
def test_a_system_that_never_works_is_told_of(tmp_path: Path, fault: str, told: str) -> None:
    with pytest.raises((ControlError, StudyError), match=told):
        run(replace(lamp(fault), trusted=None), tmp_path)


class OldGym:
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self) -> int:
        return 0

    def step(self, action: int) -> tuple[int, float, bool, dict[str, Any]]:
        return 0, 0.0, True, {}


@pytest.mark.parametrize(
    ("env", "given", "told"),
    [
        (OldGym(), {}, "reset\\(seed=...\\)"),
        ("traffic/nowhere", {}, "no system of trimtab"),
        (3, {}, "expected the name of a system"),
        (lamp(), {"agent": "sorcerer"}, "agent: expected one of"),
        (lamp(), {"start": "magic"}, "start: expected one of at-night, never"),
        (lamp(), {"budget": tt.Budget(seconds=3)}, "expected episodes or examples"),
        (lamp(), {"agent": "q-learning", "start": "never"}, "only a 'dqn' begins at a rule"),
        (valves(), {"coordination": "anarchy"}, "coordination: expected one of"),
        (valves(), {"coordination": "sequential", "agent": "linear"}, "only a 'dqn' can have"),
        (Lamp, {"rules": {"x": 3}}, "rules: x: expected a function"),
    ],
)
def test_bad_input_gets_one_clear_error(tmp_path: Path, env: Any, given: dict[str, Any], told: str) -> None:
    with pytest.raises((ControlError, StudyError), match=told):
        run(env, tmp_path, **given)


def test_another_control_does_not_go_on_under_the_same_name(tmp_path: Path) -> None:
    run(lamp(), tmp_path, budget=tt.Budget(episodes=4))
    with pytest.raises(StudyError, match="is another control"):
        run(lamp(), tmp_path, budget=tt.Budget(episodes=4), options={"gamma": 0.5})


def test_rules_of_the_user_join_those_of_the_system(tmp_path: Path) -> None:
    result = run(Lamp, tmp_path, rules={"lit-at-night": at_night}, start="lit-at-night", budget=tt.Budget(episodes=4))
    assert result.evaluate(seeds=3).standings[1].name == "lit-at-night"


def test_a_log_is_learned_from_before_the_first_episode(tmp_path: Path) -> None:
    from trimtab.controllers import Log, record

    log = record(lamp(), "at-night", episodes=40, straying=0.3)
    log.save(tmp_path / "log.safetensors")
    read = Log.load(tmp_path / "log.safetensors")
    assert len(read) == len(log) == 40 * 24
    system = replace(lamp(), trusted=None)
    few = tt.Budget(episodes=4)
    plain = run(system, tmp_path, name="plain", budget=few)
    taught = run(system, tmp_path, name="taught", budget=few, logs=[tmp_path / "log.safetensors"])
    assert taught.best.metrics["cost"] < 12 < plain.study.tree[1].after.metrics["cost"]
    with pytest.raises((ControlError, StudyError), match="is no agent of this system"):
        run(valves(), tmp_path, name="other", budget=few, logs=[log])


def test_a_film_shows_the_policy_at_work(tmp_path: Path) -> None:
    result = run(lamp(), tmp_path, budget=tt.Budget(episodes=4))
    result.film(tmp_path / "lamp.gif", frames=10)
    assert (tmp_path / "lamp.gif").read_bytes()[:4] == b"GIF8"


def test_a_report_is_written_and_examples_are_a_budget(tmp_path: Path) -> None:
    result = run(lamp(), tmp_path, budget=tt.Budget(examples=400))
    assert sum(node.after.examples for node in result.study.tree) >= 400
    result.report(tmp_path / "report.html")
    assert "lamp" in (tmp_path / "report.html").read_text()
