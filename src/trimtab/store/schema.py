"""The tables of a store. Their names begin with ``trimtab_``, so that a database can be shared with other programs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

version = Table("trimtab_schema", metadata, Column("version", Integer, primary_key=True, autoincrement=False))
"""One row: the version of the schema of the tables below."""

studies = Table(
    "trimtab_studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("holder", String(200), nullable=False, default=""),
)
"""``created``: seconds since 1970. ``holder``: the last process that ran the study; the lock says whether it still does."""

events = Table(
    "trimtab_events",
    metadata,
    Column("study", ForeignKey("trimtab_studies.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("record", Text, nullable=False),
    Column("committed", Float, nullable=False),
)
"""All that a study is, append-only. ``sequence`` counts from 1 in each study, without gaps."""

segments = Table(
    "trimtab_segments",
    metadata,
    Column("study", ForeignKey("trimtab_studies.id"), primary_key=True),
    Column("node", Integer, primary_key=True, autoincrement=False),
    Column("parent", Integer),
    Column("root", Integer, nullable=False),
    Column("index", Integer, nullable=False),
    Column("settings", Text, nullable=False),
    Column("error", Float, nullable=False),
    Column("reward", Float),
    Column("status", String(20), nullable=False),
    Column("seconds", Float),
    Column("examples", BigInteger, nullable=False),
    Column("checkpoint", String(64)),
    Index("trimtab_segments_by_checkpoint", "study", "checkpoint"),
)
"""One row a finished segment, for those who read with SQL. Its key is why no segment is ever committed twice."""

requests = Table(
    "trimtab_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", ForeignKey("trimtab_studies.id"), nullable=False, index=True),
    Column("record", Text, nullable=False),
)
"""What users have asked of a study that its process has not yet answered."""
