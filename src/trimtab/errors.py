"""The errors that trimtab raises on purpose: each says what was expected, what was given and what to do.

TrimtabError
├── SpaceError            a hyperparameter, its bounds, or settings that do not belong to the space   (ValueError)
├── TaskError             the user's model, loss, metric or setter cannot be trained as described      (ValueError)
│   └── DataError         a data set that is empty, ragged, not finite or labelled out of range
├── AgentError            an agent that is unknown, or does not fit its observations or actions        (ValueError)
├── PolicyError           a policy file that is none, is cut short or belongs to another version          (ValueError)
├── PilotError            an optimizer, horizon or loss that a Pilot cannot work with                    (ValueError)
├── BudgetError           a budget that cannot be spent                                                (ValueError)
├── StudyError            a study that cannot start or go on as asked                                  (ValueError)
├── ControlError          an environment or a rule that cannot be controlled as asked                     (ValueError)
├── StoreError            the records of a study cannot be read or written                             (OSError)
│   ├── StoreVersionError a store written by another version of the schema
│   ├── StoreLockedError  a store that another process is using
│   └── CheckpointError   a checkpoint that is missing, cut short or changed
├── DatasetError          a data set that is unknown, cannot be had, or is not the one it should be       (OSError)
├── RunnerError           workers that cannot be started or kept alive                                 (RuntimeError)
└── MissingExtraError     an optional dependency is not installed                                      (ImportError)
"""

from __future__ import annotations


class TrimtabError(Exception):
    """Base of every error that trimtab raises on purpose."""


class SpaceError(TrimtabError, ValueError):
    """A hyperparameter, its bounds, or settings that do not belong to the space."""


class TaskError(TrimtabError, ValueError):
    """The user's model, loss, metric or setter cannot be trained as described."""


class DataError(TaskError):
    """A data set that is empty, ragged, not finite or labelled out of range."""


class AgentError(TrimtabError, ValueError):
    """An agent that is unknown, or does not fit its observations or actions."""


class PolicyError(TrimtabError, ValueError):
    """A policy file that is none, is cut short or belongs to another version."""


class PilotError(TrimtabError, ValueError):
    """An optimizer, horizon or loss that a Pilot cannot work with."""


class BudgetError(TrimtabError, ValueError):
    """A budget that cannot be spent."""


class StudyError(TrimtabError, ValueError):
    """A study that cannot start or go on as asked."""


class ControlError(TrimtabError, ValueError):
    """An environment or a rule that cannot be controlled as asked."""


class StoreError(TrimtabError, OSError):
    """The records of a study cannot be read or written."""


class StoreVersionError(StoreError):
    """A store written by another version of the schema."""


class StoreLockedError(StoreError):
    """A store that another process is using."""


class CheckpointError(StoreError):
    """A checkpoint that is missing, cut short or changed."""


class DatasetError(TrimtabError, OSError):
    """A data set that is unknown, cannot be had, or is not the one it should be."""


class RunnerError(TrimtabError, RuntimeError):
    """Workers that cannot be started or kept alive."""


class MissingExtraError(TrimtabError, ImportError):
    """An optional dependency is not installed."""
