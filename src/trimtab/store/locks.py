"""One process at a time runs a study. The system frees the lock when its holder ends, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine, text

from trimtab.errors import StoreError, StoreLockedError
from trimtab.seeds import derive
from trimtab.store.database import store_errors


@contextmanager
def file_lock(path: Path, held: Callable[[], StoreLockedError]) -> Generator[None]:
    """Hold the lock file ``path``, which stays afterwards; raise what ``held`` returns if another holds it."""
    # the object is ours alone and not bound to a thread: a second lock of this process must fail like any other
    lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise held() from error
    except OSError as error:
        raise StoreError(f"{path}: the lock cannot be taken: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def server_lock(engine: Engine, study: str, place: str, held: Callable[[], StoreLockedError]) -> Generator[None]:
    """Hold a PostgreSQL advisory lock on a connection of its own; the server frees it when the connection ends."""
    key = derive(0, "trimtab", study)
    with store_errors(place), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            raise held()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
