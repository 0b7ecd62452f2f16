"""A task file for one's own data: it runs as it is written."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_wine

from trimtab.cli.app import call


def table(folder):
    rows = load_wine(as_frame=True).frame
    rows["shape"] = np.where(rows["hue"] > 1, "round", "sharp")
    rows.loc[3, "ash"] = np.nan
    rows["target"] = rows.pop("target")
    rows.to_csv(folder / "wine.csv", index=False)
    return "wine.csv"


def numbers(folder):
    load_wine(as_frame=True).data.to_csv(folder / "proline.csv", index=False)
    return "proline.csv"


def arrays(folder):
    pixels, labels = load_digits(return_X_y=True)
    np.savez(folder / "digits.npz", x=pixels[:300] / 16, y=labels[:300])
    return "digits.npz"


def images(folder):
    for place, picture in enumerate(load_digits().images[:80]):
        kind = folder / "pictures" / ("even" if place % 2 else "odd")
        kind.mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture * 15).astype(np.uint8)).save(kind / f"{place}.png")
    return "pictures"


def text(folder):
    lines = [
        f"{kind}\tit is {word} number {place}" for place in range(40) for kind, word in (("good", "fine"), ("bad", "poor"))
    ]
    (folder / "lines.tsv").write_text("\n".join(lines))
    return "lines.tsv"


@pytest.mark.parametrize(
    ("kind", "make"), [("table", table), ("table", numbers), ("arrays", arrays), ("images", images), ("text", text)]
)
def test_what_is_written_runs(tmp_path, monkeypatch, capsys, kind, make):
    monkeypatch.chdir(tmp_path)
    assert call(["init", kind, make(tmp_path), "-o", "mine.py"]) == 0
    assert "trimtab run mine.py:study" in capsys.readouterr().out
    command = [sys.executable, "-W", "error", "-m", "trimtab.cli", "run", "mine.py:study", "--segments", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_missing_or_in_the_way_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(["init", "table", "nowhere.csv"]) != 0
    assert "DATA: expected a CSV file, one row an example, got 'nowhere.csv'" in capsys.readouterr().err
    name = arrays(tmp_path)
    (tmp_path / "task.py").write_text("mine")
    assert call(["init", "arrays", name]) != 0
    assert "task.py is there already" in capsys.readouterr().err
    assert (tmp_path / "task.py").read_text() == "mine"
    assert call(["init", "arrays", name, "--target", "y", "-o", "other.py"]) != 0
    assert "--target: expected it with a table alone" in capsys.readouterr().err
