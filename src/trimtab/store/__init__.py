"""What is remembered: the records of a study, its journal of events and its checkpoints.

SQLAlchemy is imported only where a journal is opened, so that a worker, which needs checkpoints alone, starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trimtab.store.checkpoints import LocalCheckpoints, open_checkpoints
from trimtab.store.protocol import Checkpoints, Journal
from trimtab.store.retention import wanted

if TYPE_CHECKING:
    from trimtab.store.projection import StudySummary
    from trimtab.store.sql import SqlJournal, list_studies, open_journal

__all__ = [
    "Checkpoints",
    "Journal",
    "LocalCheckpoints",
    "SqlJournal",
    "StudySummary",
    "list_studies",
    "open_checkpoints",
    "open_journal",
    "wanted",
]


def __getattr__(name: str) -> Any:
    if name in ("SqlJournal", "StudySummary", "list_studies", "open_journal"):
        from trimtab.store import sql

        return getattr(sql, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
