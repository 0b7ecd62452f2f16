"""Which data sets are known: their files with hashes, their licences, or the package that has them inside."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from trimtab.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Dataset:
    """``files``: SHA-256 by path below the data folder; of a file that is kept compressed, that of its content.

    ``package``: what has the data inside, in the place of files, and ``install`` how to get it.
    """

    name: str
    about: str
    licence: str
    home: str
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    package: str = ""
    install: str = ""

    @property
    def folder(self) -> str:
        """The folder of its files, below the data folder."""
        return next(iter(self.files)).partition("/")[0]


@cache
def registry() -> Mapping[str, Dataset]:
    """Return all data sets by name."""
    here = resources.files("trimtab.datasets")
    lines = (here / "hashes.txt").read_text(encoding="utf-8").splitlines()
    hashes = {path: digest for digest, path in (line.split(maxsplit=1) for line in lines)}
    described = tomllib.loads((here / "registry.toml").read_text(encoding="utf-8"))
    return {name: _dataset(name, told, hashes) for name, told in described.items()}


def find(name: str) -> Dataset:
    """Return the data set ``name``; raise DatasetError if there is none."""
    if name not in registry():
        raise DatasetError(f"data: expected one of {', '.join(registry())}, got {name!r}")
    return registry()[name]


def _dataset(name: str, told: Mapping[str, object], hashes: Mapping[str, str]) -> Dataset:
    patterns = told.get("files", ())
    assert isinstance(patterns, (list, tuple))
    files = {path: digest for path, digest in hashes.items() if any(fnmatchcase(path, str(each)) for each in patterns)}
    texts = {key: str(value) for key, value in told.items() if key != "files"}
    return Dataset(name, files=files, **texts)
