"""trimtab control and evaluate."""

from __future__ import annotations

LAMP = "from tests.controllers.systems import lamp\n\n\ndef post():\n    return lamp()\n\n\nlamps = lamp()\n"


def test_systems_are_listed(folder, call):
    answer = call("control", "list", "--json")
    assert answer.code == 0
    assert all(row["rules"] for row in answer.data)


def test_a_policy_is_learned_written_filmed_and_compared(folder, call):
    (folder / "lamps.py").write_text(LAMP)
    options = ("--budget", 20, "--store", "lamp.db", "-o", "lamp.safetensors", "--film", "lamp.gif", "--seeds", 3)
    answer = call("control", "lamps.py:lamps", *options)
    assert answer.code == 0
    assert "ratio to the best rule, at-night" in answer.out
    assert (folder / "lamp.gif").exists()
    answer = call("evaluate", "lamp.safetensors", "lamps.py:lamps", "--against", "never", "--seeds", 3, "--json")
    assert [row["name"] for row in answer.data["standings"]] == ["policy", "never"]
    assert answer.data["ratio"]["low"] <= answer.data["ratio"]["ratio"] <= answer.data["ratio"]["high"]
    assert call("show", "lamp.db").code == 0
    assert call("report", "lamp.db", "-o", "report.html").code == 0


def test_what_cannot_be_controlled_is_a_mistake(folder, call):
    answer = call("control", "traffic/nowhere", "--quiet")
    assert answer.code == 2
    assert "no system of trimtab" in answer.err
    assert call("evaluate", "none.safetensors", "CartPole-v1").code == 1
