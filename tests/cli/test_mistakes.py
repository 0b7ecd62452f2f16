"""What a user's mistake gets: one clear message, the right exit code, no traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMANDS = ("run", "resume", "fork", "override", "list", "show", "tree", "report", "replay", "export", "doctor")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(call, command):
    answer = call(command, "--help")
    assert answer.code == 0
    assert f"trimtab {command}" in answer.out.split("Example")[1]
    assert "--json" in answer.out


def test_help_names_every_command(call):
    answer = call("--help")
    assert answer.code == 0
    assert all(command in answer.out for command in COMMANDS)


def test_version(call):
    from trimtab import __version__

    assert call("--version").out.strip() == f"trimtab {__version__}"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("task.py", ("FILE.py:NAME", "no name")),
        ("study", ("FILE.py:NAME",)),
        ("task.py:", ("FILE.py:NAME",)),
        ("task.py:not a name", ("'not a name'",)),
        ("missing.py:study", ("missing.py", "no such file")),
        (".:study", ("not a Python file",)),
        ("task.py:stduy", ("'stduy'", "study")),
        ("task.py:number", ("a Study", "int")),
        ("task.py:needy", ("without arguments", "what")),
        ("task.py:broken", ("KeyError: 'nothing'", 'return {}["nothing"]', "task.py:")),
        ("task.py:refused", ("low < high", "tt.Float(1.0, 0.1)")),
    ],
)
def test_a_wrong_target_is_named_with_what_it_may_be(folder, call, target, words):
    answer = call("run", target)
    assert answer.code == 2
    assert answer.out == ""
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\nraise ValueError('no such data')\n", ("ValueError: no such data", "bad.py:2", "raise ValueError")),
        ("def study(:\n", ("SyntaxError", "bad.py:1")),
        ("import nothing_of_the_kind\n", ("ModuleNotFoundError", "nothing_of_the_kind", "bad.py:1")),
        ("import sys\nsys.exit(3)\n", ("SystemExit: 3", "bad.py:2")),
    ],
)
def test_a_file_that_cannot_be_loaded_shows_its_own_line(folder, call, text, words):
    (folder / "bad.py").write_text(text)
    answer = call("run", "bad.py:study")
    assert answer.code == 2
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err


@pytest.mark.parametrize("command", ["resume", "list", "show", "tree", "report", "replay", "export", "override"])
def test_a_store_that_is_not_there_is_named_with_those_that_are(shared, call, command):
    answer = call(command, "studdy.db")
    assert answer.code == 2
    assert "studdy.db" in answer.err
    assert "study.db" in answer.err
    assert not (shared / "studdy.db").exists()


def test_a_file_that_is_no_store_is_refused(folder, call):
    answer = call("show", "task.py")
    assert answer.code == 1
    assert "not a database" in answer.err


def test_a_folder_without_a_store_is_refused(folder, call):
    answer = call("show", folder)
    assert answer.code == 2
    assert "folder" in answer.err


def test_another_space_is_refused_and_nothing_is_lost(finished, call):
    task = finished / "task.py"
    task.write_text(task.read_text().replace("tt.Float(1e-4, 2.0, log=True)", "tt.Float(1e-4, 1.0, log=True)"))
    answer = call("run", "task.py:study")
    assert answer.code == 2
    assert "another space" in answer.err
    assert call("show", "study.db", "--json").data["spent"]["segments"] == 12


def test_a_page_that_cannot_be_written_is_refused(shared, call):
    answer = call("report", "study.db", "-o", "nowhere/page.html")
    assert answer.code == 2
    assert "nowhere/page.html" in answer.err


@pytest.mark.parametrize("arguments", [("run",), ("show",), ("nothing",), ("show", "study.db", "--no-such-option")])
def test_wrong_usage_exits_with_2(folder, call, arguments):
    answer = call(*arguments)
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_a_file_named_like_a_module_of_python_is_loaded_all_the_same(folder, call):
    (folder / "task.py").rename(folder / "random.py")
    assert call("run", "random.py:study", "-q", "--workers", "2").code == 0
    assert call("show", "study.db", "--json").data["spent"]["segments"] == 12


def test_a_file_in_a_package_is_loaded_under_its_dotted_name(folder, call):
    package = folder / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rates.py").write_text("LOW = 1e-4\n")
    text = (
        (folder / "task.py")
        .read_text()
        .replace("import math", "import math\nfrom .rates import LOW")
        .replace("tt.Float(1e-4", "tt.Float(LOW")
    )
    (package / "task.py").write_text(text)
    assert call("run", "mine/task.py:study", "-q").code == 0


def test_help_imports_neither_torch_nor_sqlalchemy():
    code = "import sys; from trimtab.cli.app import call; call(['--help']); print(*(n for n in ('torch', 'sqlalchemy', 'optuna', 'numpy') if n in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(call, shell, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    answer = call("--show-completion", shell)
    assert answer.code == 0
    assert "_TRIMTAB_COMPLETE" in answer.out
