"""trimtab list, show, tree and report."""

from __future__ import annotations

import os

import pytest


def test_show_names_the_best_the_budget_and_the_settings(shared, call):
    answer = call("show", "study.db")
    assert answer.code == 0
    for word in ("best", "loss", "12 of 12 segments", "lr", "random", "finished"):
        assert word in answer.out


def test_show_as_json_agrees_with_the_library(shared, call):
    data = call("show", "study.db", "--json").data
    nodes = call("tree", "study.db", "--json").data
    lowest = min((node for node in nodes if node["status"] == "finished"), key=lambda node: node["metrics"]["loss"])
    assert data["best"]["node"] == lowest["node"]
    assert data["best"]["metrics"] == lowest["metrics"]
    assert data["source"].endswith("task.py:study")
    assert len(nodes) == data["spent"]["segments"] == 12


def test_what_is_not_finite_is_null_in_json(folder, call):
    task = folder / "task.py"
    task.write_text(
        task.read_text().replace('"seed": 3', '"seed": 3, "start": {"lr": 2.0, "kind": "plain", "noisy": False, "width": 1}')
    )
    text = task.read_text().replace('segment.settings["lr"] * 2', 'segment.settings["lr"] * 200')
    task.write_text(text)
    assert call("run", "task.py:study", "-q").code == 0
    nodes = call("tree", "study.db", "--json").data
    diverged = [node for node in nodes if node["status"] == "diverged"]
    assert diverged
    assert diverged[0]["metrics"]["loss"] is None
    assert "diverged" in call("show", "study.db").out


def test_show_explains_in_words_and_adds_the_latest_segments(shared, call):
    data = call("show", "study.db", "--explain", "--last", 3, "--json").data
    assert data["explained"]
    assert len(data["last"]) == 3
    assert "changed" in call("show", "study.db", "--last", 3).out


def test_a_folder_means_the_store_in_it(shared, call):
    assert call("show", shared, "--json").data["study"] == "study"


def test_a_url_means_the_same_store(shared, call):
    assert call("show", f"sqlite:///{shared}/study.db", "--json").data["study"] == "study"


def test_list_has_a_row_for_each_study(finished, call):
    assert call("run", "task.py:study", "--study", "second", "--segments", 5, "-q").code == 0
    rows = call("list", "study.db", "--json").data
    assert [(row["study"], row["spent"]["segments"]) for row in rows] == [("study", 12), ("second", 5)]
    assert "second" in call("list", "study.db").out


def test_of_several_studies_one_must_be_chosen(finished, call):
    assert call("run", "task.py:study", "--study", "second", "--segments", 5, "-q").code == 0
    answer = call("show", "study.db")
    assert answer.code == 2
    assert "'study', 'second'" in answer.err
    assert "--study" in answer.err
    assert call("show", "study.db", "--study", "second", "--json").data["spent"]["segments"] == 5
    unknown = call("show", "study.db", "--study", "third")
    assert unknown.code == 2
    assert "'third'" in unknown.err


def test_tree_draws_every_run(shared, call):
    runs = call("show", "study.db", "--json").data["runs"]
    drawing = call("tree", "study.db", "--all").out
    assert sum("run " in line for line in drawing.splitlines()) == runs
    assert " best" in drawing


def test_report_writes_one_page(finished, call):
    data = call("report", "study.db", "-o", "page.html", "--json").data
    assert data["report"] == "page.html"
    assert (finished / "page.html").read_text().lstrip().lower().startswith("<!doctype html")


def test_looking_changes_nothing(shared, call):
    before = (shared / "study.db").read_bytes()
    for command in ("show", "tree", "list", "report"):
        assert call(command, "study.db").code == 0
    assert (shared / "study.db").read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_store_can_be_looked_at(finished, call):
    (finished / "study.db").chmod(0o400)
    finished.chmod(0o500)
    try:
        assert call("show", "study.db").code == 0
    finally:
        finished.chmod(0o700)


def test_no_color_is_respected(shared, call, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in call("show", "study.db").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in call("show", "study.db").out
