"""Where the parts of a store lie: its database, its lock and its checkpoints, all named after one URL."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from trimtab.errors import StoreError

EXPECTED = "expected a file such as digits.db, sqlite:///digits.db or postgresql://user@host/database"


def parse_url(url: str | Path) -> URL:
    """Return the database URL of a store, a SQLite path made absolute; raise StoreError if it is neither path nor URL."""
    text = str(url)
    if "://" not in text:
        text = f"sqlite:///{text}"
    try:
        parsed = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"store: {EXPECTED}, got a URL that cannot be read") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"store: {EXPECTED}, got {show_url(parsed)!r}")
    if parsed.get_backend_name() == "postgresql":
        return parsed
    if parsed.database in (None, "", ":memory:") or parsed.query:
        raise StoreError(f"store: {EXPECTED}, got {text!r}, which names no file that outlives the process")
    return parsed.set(database=str(Path(parsed.database).absolute()))


def show_url(url: URL) -> str:
    """Return ``url`` as people may see it: the file, or the URL without its password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def default_checkpoints(url: URL, study: str) -> Path:
    """Return the folder of the study's checkpoints beside its database; raise StoreError for a server, which has none."""
    if url.get_backend_name() != "sqlite":
        raise StoreError(f"{show_url(url)}: a database on a server needs checkpoints=FOLDER, which all its workers can reach")
    path = Path(url.database or "")
    # only .db is dropped, so that digits.db and digits.sqlite do not collect each other's checkpoints
    name = path.name.removesuffix(".db") or path.name
    return path.with_name(f"{name}.checkpoints") / _file_name(study)


def lock_path(url: URL, study: str) -> Path:
    """Return the lock file of ``study`` beside its SQLite database."""
    path = Path(url.database or "")
    return path.with_name(f"{path.name}.{_file_name(study)}.lock")


def _file_name(study: str) -> str:
    """Return ``study`` if it is a file name on every system, else a digest of it. Cases are told apart everywhere."""
    if re.fullmatch(r"[a-z0-9_][a-z0-9_.-]{0,63}", study):
        return study
    return hashlib.sha256(study.encode()).hexdigest()[:16]
