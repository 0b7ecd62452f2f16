"""What of a study is laid out in columns for those who read with SQL, and the queries on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from trimtab.space import Settings
from trimtab.store.codec import encode
from trimtab.store.records import Node
from trimtab.store.schema import events, segments, studies


@dataclass(frozen=True, slots=True)
class StudySummary:
    """One line about a study. ``created``: seconds since 1970. ``error``: the lowest of its segments, None if it has none."""

    study: str
    created: float
    segments: int
    error: float | None
    seconds: float
    finished: bool


def segment_row(node: Node) -> dict[str, Any]:
    """Return the columns of ``node`` in the table of segments."""
    return {
        "node": node.id,
        "parent": node.job.parent,
        "root": node.job.root,
        "index": node.job.index,
        "settings": encode(Settings, node.job.settings),
        "error": float(node.error),
        "reward": float(node.reward),
        "status": node.after.status,
        "seconds": float(node.after.seconds),
        "examples": int(node.after.examples),
        "checkpoint": node.checkpoint,
    }


def read_summaries(connection: Connection) -> list[StudySummary]:
    """Return a line about every study, oldest first."""
    last_kind = select(events.c.kind).where(events.c.study == studies.c.id).order_by(events.c.sequence.desc()).limit(1)
    query = (
        select(
            studies.c.name,
            studies.c.created,
            func.count(segments.c.node).label("segments"),
            func.min(segments.c.error).label("error"),
            func.coalesce(func.sum(segments.c.seconds), 0.0).label("seconds"),
            last_kind.scalar_subquery().label("last_kind"),
        )
        .outerjoin(segments, segments.c.study == studies.c.id)
        .group_by(studies.c.id, studies.c.name, studies.c.created)
        .order_by(studies.c.id)
    )
    return [
        StudySummary(row.name, row.created, row.segments, row.error, row.seconds, finished=row.last_kind == "StudyFinished")
        for row in connection.execute(query)
    ]
