"""Figures that took long to make, kept in the cache folder by the code that made them, so that a stopped benchmark goes on."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.pilot_suite.sources import cache_folder

Figures = dict[str, float]


class Kept:
    """Figures by key in ``file``; what is made is written and told at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.made: dict[str, Figures] = json.loads(file.read_text()) if file.exists() else {}

    def get(self, key: str, make: Callable[[], Figures]) -> Figures:
        """Return the figures of ``key``, made now if they are not there."""
        if key not in self.made:
            self.made[key] = make()
            print(key, self.made[key], file=sys.stderr, flush=True)
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.made, indent=1))
        return self.made[key]


def kept(name: str, code: Iterable[Path]) -> Kept:
    """Return what the benchmark ``name`` made by this ``code``: files, and folders with all modules below them."""
    return Kept(cache_folder() / f"{name}-{version(code)}.json")


def version(code: Iterable[Path]) -> str:
    """Return a name for the present state of ``code``: files, and folders with all modules below them."""
    files = [file for path in code for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
