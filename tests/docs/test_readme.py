"""What the documents say works as typed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def listing() -> str:
    (found,) = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    return found


def test_the_listing_of_the_readme_runs(tmp_path: Path):
    """It is run as it stands but for the budget, by ``python digits.py`` in an empty folder."""
    text = listing()
    assert "segments=400" in text
    (tmp_path / "digits.py").write_text(text.replace("segments=400", "segments=6"), encoding="utf-8")
    command = [sys.executable, "-W", "error", "digits.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lr=" in done.stdout
    left = {path.name for path in (tmp_path / "digits").iterdir()}
    assert left == {"best.safetensors", "schedule.json", "schedule.py", "report.html"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_is_there(page: Path, capsys: pytest.CaptureFixture[str]):
    from trimtab.cli import main

    commands = set(re.findall(r"^trimtab ([a-z]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
    for command in sorted(commands):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0, command
        options = set(re.findall(rf"trimtab {command} [^\n`|]*?(--[a-z-]+)", page.read_text(encoding="utf-8")))
        text = capsys.readouterr().out
        assert all(option in text for option in options), (command, options)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path):
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_the_commands_of_the_readme_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
