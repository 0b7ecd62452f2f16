"""The outcomes of studies: one line of JSON each, a file a method, added to and never changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.study_suite.meter import Outcome, Shipped

MADE = Path(__file__).parent / "outcomes"
"""The studies that the figures in ``docs/benchmarks.md`` are of; give another folder to have all of them made anew."""


@dataclass(frozen=True, slots=True)
class Key:
    """Which study: ``version`` tells two states of a method from each other."""

    method: str
    problem: str
    seed: int
    budget: float
    version: str = ""


class Results:
    """Outcomes by key. Two processes may write at once if their methods differ."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or MADE
        self._held: dict[Key, Outcome] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            self._held |= dict(_read(path))

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[tuple[Key, Outcome]]:
        return iter(self._held.items())

    def add(self, key: Key, outcome: Outcome) -> None:
        """Write one line; what is half written when the machine stops is left out by the next reader."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{key.method}.jsonl").open("a", encoding="utf-8") as opened:
            opened.write("\n" + json.dumps({**asdict(key), "outcome": asdict(outcome)}))
        self._held[key] = outcome


def by_peer(key: Key, python: str, seconds: float = 3600) -> Outcome:
    """Return the outcome of a study by a peer, run by ``python`` in a process of its own."""
    command = [python, "-m", "benchmarks.study_suite.peers", key.method, key.problem, str(key.seed), f"{key.budget:g}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise RuntimeError(f"{key}: {done.stderr.strip()[-400:]}")
    return _outcome(json.loads(lines[-1]))


def _read(path: Path) -> Iterator[tuple[Key, Outcome]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        outcome = record.pop("outcome")
        yield Key(**record), _outcome(outcome)


def _outcome(record: dict[str, Any]) -> Outcome:
    kept = {field.name: record[field.name] for field in fields(Outcome)}
    kept["shipped"] = [Shipped(**one) for one in kept["shipped"]]
    kept["trace"] = [tuple(point) for point in kept["trace"]]
    return Outcome(**kept)
