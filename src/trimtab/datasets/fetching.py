"""Getting the files of a data set: from ``$TRIMTAB_DATA``, else from the cache, else by a download that is verified."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trimtab.datasets.origins import PACKED, address
from trimtab.datasets.registry import Dataset, find
from trimtab.errors import DatasetError, MissingExtraError

Progress = Callable[[str], None]
"""Called with the path of each file that is downloaded."""


def fetch(name: str, *, progress: Progress = lambda _: None) -> Path:
    """Return the folder that has the files of the data set ``name``, all of them verified.

    Of a data set inside a package, the folder of that package. Raises DatasetError where a file cannot be had (it names the
    address and the variable), and where one is not what it should be.
    """
    dataset = find(name)
    if dataset.package:
        return _package_folder(dataset)
    for top in _folders():
        if all((top / path).is_file() for path in dataset.files):
            for path in dataset.files:
                _verify(top / path, path, dataset.files[path])
            return top / dataset.folder
    top = cache_folder()
    for path, digest in dataset.files.items():
        if not (top / path).is_file():
            progress(path)
            _download(path, digest, top / path)
        _verify(top / path, path, digest)
    return top / dataset.folder


def is_here(dataset: Dataset) -> bool:
    """Return whether ``dataset`` can be had without a download."""
    if dataset.package:
        return importlib.util.find_spec(dataset.package) is not None
    return any(all((top / path).is_file() for path in dataset.files) for top in _folders())


def cache_folder() -> Path:
    """Return where downloaded data are kept: below ``$TRIMTAB_CACHE``, or the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    chosen = os.environ.get("TRIMTAB_CACHE")
    return (Path(chosen) if chosen else (Path(base) if base else Path.home() / ".cache") / "trimtab") / "data"


def _folders() -> list[Path]:
    given = os.environ.get("TRIMTAB_DATA")
    return [*([Path(given)] if given else []), cache_folder()]


def _package_folder(dataset: Dataset) -> Path:
    found = importlib.util.find_spec(dataset.package)
    if found is None or found.origin is None:
        raise DatasetError(f"data: {dataset.name} is inside the package {dataset.package}: {dataset.install}")
    return Path(found.origin).parent


def _verify(file: Path, path: str, expected: str) -> None:
    content = file.read_bytes()
    try:
        found = hashlib.sha256(gzip.decompress(content) if path.startswith(PACKED) else content).hexdigest()
    except (OSError, EOFError) as error:
        raise DatasetError(
            f"data: {file} is damaged ({error}); remove it, and it is downloaded from {address(path)}"
        ) from error
    if found != expected:
        raise DatasetError(
            f"data: {file}: expected SHA-256 {expected}, got {found}: another file, or a damaged one; "
            f"remove it, and it is downloaded from {address(path)}"
        )


def _download(path: str, digest: str, to: Path) -> None:
    url = address(path)
    retrieve = _retrieve(path)
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f"{to.name}.{os.getpid()}.part")
    try:
        retrieve(url, known_hash=f"sha256:{digest}", fname=part.name, path=part.parent, progressbar=False)
        if path.startswith(PACKED):
            part.write_bytes(gzip.compress(part.read_bytes(), mtime=0))
        part.replace(to)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told in one line, not in the downloader's eighty
        given = os.environ.get("TRIMTAB_DATA") or "not set"
        raise DatasetError(
            f"data: {path} is neither in TRIMTAB_DATA ({given}) nor in the cache, and {url} cannot be had: {error}; "
            f"download it by hand, and set TRIMTAB_DATA to the folder in which it lies as {path}"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _retrieve(path: str) -> Callable[..., Any]:
    try:
        import pooch
    except ImportError as error:
        raise MissingExtraError(
            f"data: {path} is neither in TRIMTAB_DATA nor in the cache; to download it: pip install 'trimtab[data]'"
        ) from error
    pooch.get_logger().setLevel("WARNING")
    return pooch.retrieve
