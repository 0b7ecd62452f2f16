"""The journal of a study in a SQL database: a SQLite file beside its checkpoints, or PostgreSQL by URL.

Events are appended and never changed. A segment is one transaction: its event, its row in the projection for those who read
with SQL, and the requests that it answers.
"""

from __future__ import annotations

import os
import socket
import time
import weakref
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from trimtab.errors import StoreError, StoreLockedError
from trimtab.store import schema
from trimtab.store.checkpoints import open_checkpoints
from trimtab.store.codec import decode_event, encode_event
from trimtab.store.collection import StudyCheckpoints
from trimtab.store.database import open_engine, reading, writing
from trimtab.store.locks import file_lock, server_lock
from trimtab.store.migrations import check_version, migrate, read_version
from trimtab.store.places import default_checkpoints, lock_path, parse_url, show_url
from trimtab.store.projection import StudySummary, read_summaries, segment_row
from trimtab.store.records import Event, Override, SegmentFinished


def open_journal(
    url: str | Path,
    study: str,
    *,
    create: bool = True,
    read_only: bool = False,
    checkpoints: str | Path | None = None,
    busy_seconds: float = 10.0,
) -> SqlJournal:
    """Open the journal of ``study`` in the store at ``url``: a path, ``sqlite:///path`` or a PostgreSQL URL.

    ``create``: make the store and the study if they are not there. ``read_only``: never write, not even a lock.
    ``checkpoints``: their folder; by default ``digits.checkpoints/STUDY`` beside ``digits.db``. ``busy_seconds``: how long to
    wait for another process that writes. Raises StoreError, which says what is wrong with the store.
    """
    _check_name(study)
    target = parse_url(url)
    folder = checkpoints if checkpoints is not None else default_checkpoints(target, study)
    engine = open_engine(target, create=create, read_only=read_only, busy_seconds=busy_seconds)
    try:
        key = _find(engine, target, study) if read_only else _find_or_create(engine, target, study, create=create)
    except BaseException:
        engine.dispose()
        raise
    return SqlJournal(engine, target, study, key=key, folder=folder, read_only=read_only)


def make_tables(url: str | Path) -> None:
    """Make the tables of a store at ``url``, or bring those that are there to the newest version."""
    target = parse_url(url)
    engine = open_engine(target, create=True, read_only=False, busy_seconds=10.0)
    try:
        with writing(engine, show_url(target)) as connection:
            migrate(connection, show_url(target))
    finally:
        engine.dispose()


def list_studies(url: str | Path) -> list[StudySummary]:
    """Return a line about every study in the store at ``url``, oldest first; nothing is written."""
    target = parse_url(url)
    engine = open_engine(target, create=False, read_only=True, busy_seconds=10.0)
    try:
        with reading(engine, show_url(target)) as connection:
            check_version(read_version(connection), show_url(target))
            return read_summaries(connection)
    finally:
        engine.dispose()


class SqlJournal:
    """The events of one study in a database. ``open_journal`` makes it."""

    def __init__(self, engine: Engine, url: URL, study: str, *, key: int, folder: str | Path, read_only: bool) -> None:
        self._engine = engine
        self._url = url
        self._study = study
        self._key = key
        self._read_only = read_only
        self._place = f"{show_url(url)}, study {study!r}"
        # not a method of ours: a journal in a cycle would keep its database open long after it was forgotten
        self._checkpoints = StudyCheckpoints(open_checkpoints(folder), partial(_committed_digests, engine, key, self._place))
        self._taken: dict[int, str] = {}
        self._seen: int | None = None
        self._locked = False
        self.close: Callable[[], object] = weakref.finalize(self, engine.dispose)
        """Close the database; a journal that is forgotten closes itself."""

    @property
    def url(self) -> str:
        """The URL that opens this store again, password included: not for logs."""
        return self._url.render_as_string(hide_password=False)

    @property
    def study(self) -> str:
        return self._study

    @property
    def checkpoints(self) -> StudyCheckpoints:
        return self._checkpoints

    def append(self, events: Sequence[Event]) -> None:
        """Commit ``events`` in one transaction, durably; a segment that is committed already is a StoreError."""
        if not events:
            return
        self._check_writable()
        texts = [encode_event(event) for event in events]
        nodes = [event.node for event in events if isinstance(event, SegmentFinished)]
        self._checkpoints.check_present([node.checkpoint for node in nodes if node.checkpoint is not None])
        answered = self._answered(texts)
        with writing(self._engine, self._place) as connection:
            last = self._last(connection)
            now = time.time()
            rows = [
                {"study": self._key, "sequence": last + step, "kind": type(event).__name__, "record": text, "committed": now}
                for step, (event, text) in enumerate(zip(events, texts, strict=True), start=1)
            ]
            connection.execute(insert(schema.events), rows)
            self._project(connection, [{"study": self._key, **segment_row(node)} for node in nodes])
            self._drop_requests(connection, answered)
        self._seen = last + len(events)
        self._taken = {key: text for key, text in self._taken.items() if key not in answered}

    def read(self) -> list[Event]:
        """Return all events in the order of their commit."""
        table = schema.events.c
        query = select(table.sequence, table.record).where(table.study == self._key).order_by(table.sequence)
        with reading(self._engine, self._place) as connection:
            rows = connection.execute(query).all()
        last = rows[-1].sequence if rows else 0
        if len(rows) != last:
            raise StoreError(f"{self._place}: {last - len(rows)} of {last} events are missing; restore the store from a copy")
        self._seen = last
        return [self._decoded(text, sequence) for sequence, text in rows]

    def request(self, override: Override) -> None:
        """Leave ``override`` for the process that runs the study."""
        self._check_writable()
        text = encode_event(override)
        with writing(self._engine, self._place) as connection:
            connection.execute(insert(schema.requests).values(study=self._key, record=text))

    def requests(self) -> list[Override]:
        """Take the overrides that were left since the last call; for the holder of the lock.

        One that is appended is answered by that same transaction. One that was not when the next call comes was refused. If
        the process ends in between, its successor gets it again.
        """
        self._check_writable()
        if self._taken:
            with writing(self._engine, self._place) as connection:
                self._drop_requests(connection, self._taken)
            self._taken = {}
        query = select(schema.requests.c.id, schema.requests.c.record).where(schema.requests.c.study == self._key)
        with reading(self._engine, self._place) as connection:
            self._taken = {row.id: row.record for row in connection.execute(query.order_by(schema.requests.c.id))}
        return [self._decoded(text, 0) for text in self._taken.values()]  # type: ignore[misc]  # request() wrote overrides only

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the study against other processes that would run it; raise StoreLockedError, naming the holder, if one does.

        Read it after the lock is taken: what was read before may have grown since, and then nothing can be appended.
        """
        self._check_writable()
        with self._exclusion():
            with writing(self._engine, self._place) as connection:
                holder = f"process {os.getpid()} on {socket.gethostname()}"
                connection.execute(update(schema.studies).where(schema.studies.c.id == self._key).values(holder=holder))
            self._checkpoints.begin()
            self._locked = True
            try:
                yield
            finally:
                self._locked = False
                self._checkpoints.end()

    def _exclusion(self) -> AbstractContextManager[None]:
        if self._url.get_backend_name() == "sqlite":
            return file_lock(lock_path(self._url, self._study), self._held)
        return server_lock(self._engine, self._study, self._place, self._held)

    def _held(self) -> StoreLockedError:
        with reading(self._engine, self._place) as connection:
            query = select(schema.studies.c.holder).where(schema.studies.c.id == self._key)
            holder = connection.execute(query).scalar_one()
        return StoreLockedError(f"{self._place}: {holder or 'another process'} is running it; wait for it, or end it")

    def _check_writable(self) -> None:
        if self._read_only:
            raise StoreError(f"{self._place}: opened for reading only; open it with read_only=False")

    def _decoded(self, text: str, sequence: int) -> Event:
        try:
            return decode_event(text)
        except StoreError as error:
            raise type(error)(f"{self._place}, event {sequence}: {error}") from error

    def _last(self, connection: Connection) -> int:
        """Return the last sequence number, inside a transaction that keeps others from taking the next."""
        if connection.dialect.name != "sqlite":
            connection.execute(select(schema.studies.c.id).where(schema.studies.c.id == self._key).with_for_update())
        last = self._last_sequence(connection)
        if self._locked and self._seen not in (None, last):
            raise StoreLockedError(f"{self._place}: another process has appended to it; nothing was committed, open it again")
        return last

    def _last_sequence(self, connection: Connection) -> int:
        query = select(func.max(schema.events.c.sequence)).where(schema.events.c.study == self._key)
        return connection.execute(query).scalar() or 0

    def _project(self, connection: Connection, rows: list[dict[str, object]]) -> None:
        if not rows:
            return
        try:
            connection.execute(insert(schema.segments), rows)
        except IntegrityError as error:
            names = ", ".join(str(row["node"]) for row in rows)
            raise StoreError(f"{self._place}: segment {names} is committed already; nothing was committed again") from error

    def _answered(self, texts: Sequence[str]) -> set[int]:
        """Return the ids of the taken requests that ``texts`` answer, each text one request."""
        left = Counter(texts)
        answered: set[int] = set()
        for key, text in self._taken.items():
            if left[text] > 0:
                left[text] -= 1
                answered.add(key)
        return answered

    def _drop_requests(self, connection: Connection, keys: Sequence[int] | set[int] | dict[int, str]) -> None:
        if keys:
            connection.execute(delete(schema.requests).where(schema.requests.c.id.in_(list(keys))))


def _committed_digests(engine: Engine, key: int, place: str) -> frozenset[str]:
    column = schema.segments.c.checkpoint
    query = select(column).where(schema.segments.c.study == key, column.is_not(None))
    with reading(engine, place) as connection:
        return frozenset(connection.execute(query).scalars())


def _check_name(study: str) -> None:
    if not isinstance(study, str) or not 0 < len(study) <= 200 or not study.isprintable():
        raise StoreError(f"study: expected a name of 1 to 200 printable characters, got {study!r}")


def _find(engine: Engine, url: URL, study: str) -> int:
    with reading(engine, show_url(url)) as connection:
        check_version(read_version(connection), show_url(url))
        return _key(connection, url, study)


def _find_or_create(engine: Engine, url: URL, study: str, *, create: bool) -> int:
    with writing(engine, show_url(url)) as connection:
        if not create and read_version(connection) is None:
            check_version(None, show_url(url))
        migrate(connection, show_url(url))
        known = select(schema.studies.c.id).where(schema.studies.c.name == study)
        if create and connection.execute(known).scalar() is None:
            connection.execute(insert(schema.studies).values(name=study, created=time.time()))
        return _key(connection, url, study)


def _key(connection: Connection, url: URL, study: str) -> int:
    rows = connection.execute(select(schema.studies.c.name, schema.studies.c.id))
    keys = {row.name: row.id for row in rows}
    if study not in keys:
        there = f"it has {', '.join(map(repr, keys))}" if keys else "it has none"
        raise StoreError(f"{show_url(url)}: there is no study {study!r}; {there}")
    return keys[study]
