"""What a study remembers: the nodes of its tree, and the events that made them. Plain frozen data, versioned as a whole.

A study is the fold of its events: reading them in order gives back its tree, its agents and its open work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from trimtab.space import Settings
from trimtab.task import Measurement

ChoiceKind = Literal["start", "continue", "fork", "user", "replay"]


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """What one agent (one hyperparameter) could do, how it valued it and what it did.

    ``moves``: the label of every move. ``values``, ``spreads``: as in ``agents.Decision``; a masked move has −inf.
    """

    name: str
    agent: str
    moves: tuple[str, ...]
    values: tuple[float, ...]
    spreads: tuple[float, ...]
    chosen: int
    explored: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Why a segment exists: what kind of step it is, what was seen, and how each head was decided.

    ``features``: the observation by name, empty at a start. ``predicted``: predicted error at the end of the run
    (on the scale of ``Goal.error``) with its standard deviation, None where nothing was predicted. ``worth``: the reward that
    the agents expect from here to the end of the run, with its standard deviation, None where none of them chose.
    """

    kind: ChoiceKind
    reason: str
    features: tuple[tuple[str, float], ...] = ()
    heads: tuple[HeadChoice, ...] = ()
    predicted: tuple[float, float] | None = None
    worth: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A segment that is to be run. Jobs with equal fields give equal results.

    ``node``: the number of the node it will make, from 1 in order of issue. ``parent``: the node it starts from, None for
    a new root. ``root``: the node at the root of its run. ``checkpoint``: digest of the parent's checkpoint, None for a root.
    ``index``: how many segments of the run come before it. ``run_seed``: initial weights and data order; ``seed``: the rest.
    """

    node: int
    parent: int | None
    root: int
    checkpoint: str | None
    settings: Settings
    index: int
    horizon: int
    run_seed: int
    seed: int
    choice: Choice


@dataclass(frozen=True, slots=True)
class Node:
    """A segment that was run: its job, the checkpoint it left and what it came to.

    ``checkpoint``: SHA-256 of its bytes, None if it diverged. ``before``: the measurement before the first step, at a
    root only. ``error``: ``Goal.error`` of ``after``. ``reward``: the reward it earned, and ``excess``: how far it passes the
    limits of the study, 0 if it keeps to them; both filled in by the study.
    """

    job: Job
    checkpoint: str | None
    before: Measurement | None
    after: Measurement
    error: float
    reward: float = 0.0
    excess: float = 0.0

    @property
    def id(self) -> int:
        return self.job.node

    @property
    def rank(self) -> tuple[float, float]:
        """What is lower at the better of two nodes: one that passes no limit is better than one that does."""
        return self.excess, self.error


@dataclass(frozen=True, slots=True)
class StudyCreated:
    """The first event. ``config``: everything of the study that is plain data (space, budget, agent, seed, …)."""

    config: dict[str, Any]
    fingerprint: str
    source: str | None


@dataclass(frozen=True, slots=True)
class SegmentFinished:
    """A segment came to its end (which may be a divergence) and is committed."""

    node: Node


@dataclass(frozen=True, slots=True)
class SegmentFailed:
    """A segment came to no end. ``cause``: the user's code raised ("error"), or the worker was lost or hung."""

    job: Job
    cause: Literal["error", "lost", "hung"]
    message: str


@dataclass(frozen=True, slots=True)
class BranchEnded:
    """No further segment will continue ``node``. ``by``: who ended it."""

    node: int
    reason: str
    by: Literal["study", "user"]


@dataclass(frozen=True, slots=True)
class SettingFixed:
    """From now on the live hyperparameter ``name`` has ``value`` in every new segment; None sets it free again."""

    name: str
    value: float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class BoundChanged:
    """From now on the numeric hyperparameter ``name`` stays in [low, high]."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BudgetExtended:
    """The budget is now ``budget`` (unit → amount), or ``added``: so much larger than it was."""

    budget: dict[str, float]
    added: bool = False


@dataclass(frozen=True, slots=True)
class WorkersChanged:
    """From now on ``workers`` segments run at a time."""

    workers: int


@dataclass(frozen=True, slots=True)
class ForkRequested:
    """The user wants a segment that continues ``node`` under ``settings`` (complete)."""

    node: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class StudyFinished:
    """Nothing more is to be done."""

    reason: str


Event: TypeAlias = (
    StudyCreated
    | SegmentFinished
    | SegmentFailed
    | BranchEnded
    | SettingFixed
    | BoundChanged
    | BudgetExtended
    | WorkersChanged
    | ForkRequested
    | StudyFinished
)
Override: TypeAlias = BranchEnded | SettingFixed | BoundChanged | BudgetExtended | ForkRequested
"""Events that a user may cause while a study runs."""
