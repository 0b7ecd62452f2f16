"""The version of a store's schema, and the steps from each version to the next.

A new store is made at the newest version. An older one is brought there step by step, in one transaction, while every
other process that opens it waits. A step, once released, is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, inspect, select, text

from trimtab.errors import StoreError, StoreVersionError
from trimtab.store import schema

Step = Callable[[Connection], None]

STEPS: tuple[Step, ...] = ()
"""``STEPS[0]`` leads from version 1 to version 2, and so on."""

_ADVISORY_LOCK = 0x7472696D74616221
"""Names the migration among the advisory locks of a PostgreSQL server."""


def read_version(connection: Connection) -> int | None:
    """Return the version of the schema in a database, None if it holds no store."""
    if not inspect(connection).has_table(schema.version.name):
        return None
    return connection.execute(select(schema.version.c.version)).scalar_one_or_none()


def check_version(found: int | None, place: str, *, steps: Sequence[Step] = STEPS) -> None:
    """Raise StoreError unless the store at ``place`` has the newest version: for those who may not write to it."""
    newest = len(steps) + 1
    if found is None:
        raise StoreError(f"{place}: not a trimtab store; expected the file of a study, such as digits.db")
    if found > newest:
        raise StoreVersionError(
            f"{place}: schema version {found}, of a newer trimtab; this one knows versions up to {newest}: upgrade trimtab"
        )
    if found < newest:
        raise StoreVersionError(f"{place}: schema version {found}; this trimtab needs {newest}: open it once for writing")


def migrate(connection: Connection, place: str, *, steps: Sequence[Step] = STEPS) -> None:
    """Bring the database to the newest version inside the transaction of ``connection``, which holds the write lock."""
    newest = len(steps) + 1
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    found = read_version(connection)
    if found is None:
        schema.metadata.create_all(connection)
        connection.execute(schema.version.insert().values(version=newest))
        return
    if found > newest:
        check_version(found, place, steps=steps)
    for step in steps[found - 1 :]:
        step(connection)
    if found < newest:
        connection.execute(schema.version.update().values(version=newest))
