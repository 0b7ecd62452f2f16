"""Opening the database of a store, and saying in one sentence what is wrong with it. No table is named here."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from trimtab.errors import MissingExtraError, StoreError, StoreLockedError
from trimtab.store.filesystem import is_network
from trimtab.store.places import EXPECTED

_READ_ONLY = "the file or its folder is read-only; allow writing, or open it with read_only=True"
_REASONS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("SQLITE_BUSY", StoreLockedError, "another process is writing and did not finish in time; try again, or end that process"),
    ("SQLITE_LOCKED", StoreLockedError, "another connection is writing and did not finish in time; try again"),
    ("SQLITE_READONLY", StoreError, _READ_ONLY),
    ("SQLITE_PERM", StoreError, "the file may not be used; check its permissions"),
    ("SQLITE_AUTH", StoreError, "the file may not be used; check its permissions"),
    ("SQLITE_FULL", StoreError, "the disk is full; what was committed is safe, free some space and run again"),
    ("SQLITE_IOERR", StoreError, "the disk failed or is full; what was committed is safe, check the disk and run again"),
    ("SQLITE_NOTADB", StoreError, "the file is not a database; expected a store such as digits.db"),
    ("SQLITE_CORRUPT", StoreError, "the database is damaged; restore it from a copy"),
    ("SQLITE_CANTOPEN", StoreError, "the file cannot be opened; check that its folder exists and may be written to"),
)


def open_engine(url: URL, *, create: bool, read_only: bool, busy_seconds: float) -> Engine:
    """Return an engine on ``url``; writing transactions wait for each other, at most ``busy_seconds``."""
    if url.get_backend_name() != "sqlite":
        return _server_engine(url)
    path = Path(url.database or "")
    _check_path(path, create=create and not read_only, writes=not read_only)
    target = url.set(database=_read_only_uri(path), query={"uri": "true"}) if read_only else url
    engine = create_engine(target, connect_args={"timeout": busy_seconds})
    journal_mode = None if read_only else "TRUNCATE" if is_network(path) else "WAL"
    event.listen(engine, "connect", lambda connection, _: _prepare(connection, journal_mode, busy_seconds))
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def writing(engine: Engine, place: str) -> Generator[Connection]:
    """Hold one durable transaction that excludes other writers; its failure is a StoreError."""
    with store_errors(place), engine.connect().execution_options(trimtab_writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine, place: str) -> Generator[Connection]:
    """Hold one transaction that sees a single state of the database; its failure is a StoreError."""
    with store_errors(place), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def store_errors(place: str) -> Generator[None]:
    """Turn what the database and the system raise into a StoreError about ``place``."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(error, place) from (error.orig or error)
    except SQLAlchemyError as error:
        raise StoreError(f"{place}: {error}") from error


def _translated(error: DBAPIError, place: str) -> StoreError:
    code = getattr(error.orig, "sqlite_errorname", "")
    for prefix, kind, reason in _REASONS:
        if code.startswith(prefix):
            return kind(f"{place}: {reason}")
    return StoreError(f"{place}: {error.orig}")


def _server_engine(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        needed = "'trimtab[postgresql]'" if error.name == "psycopg" else error.name
        raise MissingExtraError(f"{url.drivername} needs {error.name}: pip install {needed}") from error


def _check_path(path: Path, *, create: bool, writes: bool) -> None:
    """Raise StoreError if no database can be at ``path``; make an empty one, for its owner alone, if it may be made."""
    if path.is_dir():
        raise StoreError(f"{path}: a folder; {EXPECTED}")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}; make it first")
    if path.exists():
        # asked here, for SQLite only says that it cannot open the log beside the file
        if writes and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise StoreError(f"{path}: {_READ_ONLY}")
        return
    if not create:
        raise StoreError(f"{path}: there is no such store")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder {Path(error.filename).parent} is read-only"
    return str(error.strerror)


def _read_only_uri(path: Path) -> str:
    """Return the URI that reads ``path`` and cannot write to it, in a folder that is read-only too."""
    # a reader of a WAL database makes an index file beside it; where it cannot, the file must be one that nobody writes to
    lonely = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    return f"file:{quote(str(path))}?mode=ro{'&immutable=1' if lonely else ''}"


def _prepare(connection: Any, journal_mode: str | None, busy_seconds: float) -> None:
    # SQLAlchemy's BEGIN, not the driver's: only so does a transaction hold what it has read and include changes of schema
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # FULL: a commit that was acknowledged survives a loss of power; NORMAL may take it back
    connection.execute("PRAGMA synchronous = FULL")
    if journal_mode is not None:
        _set_journal_mode(connection, journal_mode, busy_seconds)


def _set_journal_mode(connection: Any, mode: str, busy_seconds: float) -> None:
    """Set the journal mode; SQLite does not wait for other processes here, so we do."""
    deadline = time.monotonic() + busy_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0].upper() != mode:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a writer waits at its first statement; upgrading a reader to a writer would fail at once instead
    writes = connection.get_execution_options().get("trimtab_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
