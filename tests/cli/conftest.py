"""A user's file with a training that takes no time, and the command line run on it in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from trimtab.cli import main
from trimtab.cli.app import call as run_command

TASK = '''
"""Gradient descent on a parabola: the rate decides how fast, and whether, it comes down."""

import json
import math

import trimtab as tt
from trimtab.errors import CheckpointError
from trimtab.task import Goal, Measurement


class Parabola:
    goal = Goal()

    def check(self, space):
        pass

    def start(self, settings, *, seed):
        return {"x": 1.0 + (seed % 1000) / 1000}

    def measure(self, state):
        x = state["x"]
        fine = math.isfinite(x) and abs(x) < 1e6
        return Measurement({"loss": x * x if fine else math.nan}, x * x if fine else math.nan, steps=4, examples=4,
                           epochs=1.0, seconds=0.01, status="finished" if fine else "diverged")

    def advance(self, state, segment, *, progress=lambda: None):
        for _ in range(4):
            state["x"] -= segment.settings["lr"] * 2 * state["x"]
        return self.measure(state)

    def evaluate(self, state, split):
        return {"loss": state["x"] ** 2}

    def encode(self, state):
        return json.dumps(state).encode()

    def decode(self, checkpoint):
        try:
            return json.loads(checkpoint)
        except ValueError as error:
            raise CheckpointError("not a parabola") from error

    def fingerprint(self):
        return "parabola"


SPACE = tt.Space(
    lr=tt.Float(1e-4, 2.0, log=True),
    kind=tt.Categorical("plain", "heavy"),
    noisy=tt.Bool(),
    width=tt.Int(1, 8, live=False),
)


def study(store="study.db", **options):
    given = {"budget": tt.Budget(segments=12), "horizon": 4, "agent": "random", "store": store, "seed": 3, **options}
    return tt.Study(Parabola(), SPACE, **given)


def noisy():
    print("words that the user's code prints")
    return study()


made = study("made.db")
number = 7


def broken():
    return {}["nothing"]


def needy(what):
    return what


def refused():
    return tt.Float(1.0, 0.1)
'''


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        def refuse(token: str) -> None:
            raise AssertionError(f"{token} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


Call = Callable[..., Answer]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Answer(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with task.py in it."""
    (tmp_path / "task.py").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def finished(folder: Path, call: Call) -> Path:
    """The current folder, in which the study has been run."""
    assert call("run", "task.py:study", "--quiet").code == 0
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study has been run once, for all tests that change nothing."""
    made = tmp_path_factory.mktemp("finished")
    (made / "task.py").write_text(TASK)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        assert run_command(["run", "task.py:study", "--quiet"]) == 0
    return made


@pytest.fixture
def shared(template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which the study has been run: to be looked at, not to be changed."""
    monkeypatch.chdir(template)
    monkeypatch.setenv("COLUMNS", "120")
    return template
