"""The core of a study: events in, jobs and events out. No clock, no files, no processes: the same events give the same jobs.

A study that was stopped is gone on with by feeding its recorded events to a new core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from trimtab.search import archive
from trimtab.search.charges import Charges
from trimtab.search.choice import Continue, Fork, Standings, Start, Step, next_step
from trimtab.search.feasible import Feasible
from trimtab.search.gambles import Gambles
from trimtab.search.outlook import Outlook
from trimtab.search.portrait import Portrait
from trimtab.search.roots import propose
from trimtab.search.rungs import rungs
from trimtab.search.starts import Proposal, Prospect, Starts, learned, legal
from trimtab.seeds import derive, generator
from trimtab.space import Settings, Space, Value
from trimtab.store.records import (
    BoundChanged,
    BranchEnded,
    BudgetExtended,
    Choice,
    ChoiceKind,
    Event,
    ForkRequested,
    Job,
    Node,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyFinished,
    WorkersChanged,
)
from trimtab.store.tree import Tree, can_go_on
from trimtab.study.budget import Budget, Spent
from trimtab.study.experience import Memory
from trimtab.study.portfolio import Portfolio
from trimtab.study.team import Team

MAX_ATTEMPTS = 3
"""A segment whose worker was lost is run again, at most this often in all."""
FAVOURITES = 5
"""So many of the best starts of a remembered study are candidates for every new run."""
MAX_FAILURES = 3
"""So many failures of the user's code without a single success end the study."""
GRAINS = 100
"""What is believed of starts is made up anew when a study has grown by one part in so many: it takes a hundred draws' time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study is asked to do, as plain data. ``starts``: settings of the first runs; then ``sampler`` proposes.

    ``given``: values of what the space does not have. ``limits`` and ``objectives``: as in ``Charges``.
    """

    space: Space
    budget: Budget
    horizon: int
    seed: int
    starts: tuple[Settings, ...] = ()
    sampler: str = "prior"
    given: Mapping[str, Value] = field(default_factory=dict[str, Value])
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    objectives: tuple[str, ...] = ()


class Core:
    """The state of a study, and what is to be done next (``jobs``, in order of issue, until ``finished`` says why not)."""

    def __init__(self, plan: Plan, team: Team | Portfolio, memories: Sequence[Memory] = ()) -> None:
        self.plan = plan
        self.team = team
        self.tree = Tree()
        self.given = self.budget = plan.budget
        self.spent = Spent()
        self.jobs: dict[int, Job] = {}
        self.finished: str | None = None
        self.failures: list[SegmentFailed] = []
        self._heights = rungs(plan.horizon)
        self.workers = 1
        self._issued = 0
        self._roots = self._paths = self._whole = 0
        self._attempts: dict[int, int] = {}
        self._ended: set[int] = set()
        self._closed: set[int] = set()
        self._favoured: set[int] = set()
        self._forks: list[ForkRequested] = []
        self.outlook, self.starts = _taught(plan, team, memories)
        self.gambles = Gambles()
        self.charges = Charges(plan.limits, plan.objectives)
        self.feasible = Feasible(plan.space, self.charges)
        self._prospect: tuple[tuple[int, ...], Prospect | Proposal] | None = None
        self._handlers: dict[type, Callable[..., None]] = {
            SegmentFinished: self._take_finished,
            SegmentFailed: self._take_failed,
            BranchEnded: self._take_ended,
            SettingFixed: lambda event: self.team.fix(event.name, event.value),
            BoundChanged: lambda event: self.team.bound(event.name, event.low, event.high),
            BudgetExtended: self._take_budget,
            WorkersChanged: self._take_workers,
            ForkRequested: self._forks.append,
        }

    def receive(self, event: Event) -> list[Event]:
        """Take in one event and return what is to be committed: the event (with its reward), and what follows from it."""
        was_over = self.finished is not None and not self.jobs
        followed = list[Event]()
        if isinstance(event, SegmentFinished):
            event, followed = self._learned(event.node)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        self._fill()
        # what a user asks of a study that is over is kept until it is given more budget
        is_over = self.finished is not None and not self.jobs
        if not is_over or (was_over and not isinstance(event, BudgetExtended)):
            return [event, *followed]
        return [event, *followed, *self._farewell()]

    def _learned(self, node: Node) -> tuple[SegmentFinished, list[Event]]:
        """Let the agents learn from ``node`` and add it, with the reward it earned, to the tree; say if its branch ends."""
        path = [*([] if node.job.parent is None else self.tree.path(node.job.parent)), node]
        excess = self.charges.add(path)
        reward = self.team.learn(path, pauses=node.job.index + 1 in self._heights, toll=self.charges.toll(path))
        node = replace(node, reward=reward, excess=excess)
        self.outlook.add(node, None if node.before is None else self.team.goal.error(node.before.metrics))
        self.gambles.add(node, self.tree, self.outlook.end(node), self.outlook.unit)
        self.tree.add(node)
        self.charges.unit = self.outlook.unit
        if node.job.parent is None:
            self.feasible.learn(node)
        elif node.checkpoint is not None:
            ends, _ = self.outlook.ends([node.job.parent, node.id])
            self.team.credit(node.id, float(ends[0] - ends[1]))
        ended = self._over([*path[:-1], node])
        self._whole += (bool(ended) and not excess) or node.job.index + 1 == node.job.horizon
        if ended or not can_go_on(node):
            self.charges.raise_prices()
        if (node.job.choice.kind == "user" or node.job.parent in self._favoured) and node.job.index + 1 not in self._heights:
            self._favoured.add(node.id)
        return SegmentFinished(node), ended

    def _over(self, path: Sequence[Node]) -> list[Event]:
        """End the branch of ``path``, and return the word of it, if it cannot keep to the limits or only gets worse."""
        node = path[-1]
        if not can_go_on(node):
            return []
        reason = self.charges.why_hopeless(path) or self.outlook.why_over(node)
        if reason is None:
            return []
        self._ended.add(node.id)
        self._closed.add(node.id)
        self.outlook.close(node)
        return [BranchEnded(node.id, reason, "study")]

    def _take_finished(self, event: SegmentFinished) -> None:
        self.jobs.pop(event.node.id, None)
        evaluations = 1 + (event.node.before is not None)
        self.spent = self.spent.plus(event.node.after, evaluations=evaluations)

    def _take_failed(self, event: SegmentFailed) -> None:
        node = event.job.node
        self._attempts[node] = self._attempts.get(node, 0) + 1
        self.failures.append(event)
        self.spent = replace(self.spent, segments=self.spent.segments + 1)
        if event.cause != "error" and self._attempts[node] < MAX_ATTEMPTS:
            return
        self.jobs.pop(node, None)
        if event.job.parent is not None:
            self._ended.add(event.job.parent)
        if not len(self.tree) and len(self.failures) >= MAX_FAILURES:
            self.finished = f"the first {len(self.failures)} segments failed: {event.message}"

    def _take_ended(self, event: BranchEnded) -> None:
        if event.by == "user":
            self._ended |= {event.node, *(node.id for node in self._below(event.node))}

    def _take_budget(self, event: BudgetExtended) -> None:
        budget = Budget(**event.budget)  # type: ignore[arg-type]
        if event.added:
            self.budget = self.budget.plus(budget)
        else:
            self.given = self.budget = budget
        self.finished = None

    def _take_workers(self, event: WorkersChanged) -> None:
        self.workers = event.workers

    def _below(self, node: int) -> list[Node]:
        children = self.tree.children(node)
        return [*children, *(deeper for child in children for deeper in self._below(child.id))]

    def _fill(self) -> None:
        """Issue jobs until every worker has one."""
        while self.finished is None and len(self.jobs) < self.workers:
            job = self._next_job()
            if job is None:
                if not self.jobs:
                    self.finished = f"the budget of {self.budget} is used"
                return
            self._paths += job.choice.kind != "continue"
            self.jobs[job.node] = job
            self._issued = job.node

    def _next_job(self) -> Job | None:
        rng = generator(self.plan.seed, "step", self._issued + 1)
        left = self.budget.segments_left(self.spent) - len(self.jobs)
        if left <= 0:
            return None
        if self._forks:
            return self._user_fork(self._forks.pop(0))
        match self._step(left):
            case None:
                return None
            case Start(settings, reason, expected):
                if self._prospect is not None and isinstance(self._prospect[1], Prospect):
                    self._prospect[1].begun(settings)
                return self._root_job(settings, reason, expected)
            case Continue(parent, reason, expected):
                return self._decided_job(parent, "continue", reason, expected, rng)
            case Fork(parent, reason, expected):
                return self._decided_job(parent, "fork", reason, expected, rng)

    def _step(self, left: int) -> Step | None:
        if self._roots < len(self.plan.starts):
            return Start(self.plan.starts[self._roots], "settings that the user gave")
        favoured = next((node for node in self._favoured if node in self.tree.open and not self._is_taken(node)), None)
        if favoured is not None:
            return Continue(favoured, "the user's fork, on its way to where it can be judged")
        standings = Standings(
            tree=self.tree,
            outlook=self.outlook,
            gambles=self.gambles,
            charges=self.charges,
            horizon=self.plan.horizon,
            segments_left=left,
            segments=left + len(self.jobs) + int(self.spent.segments),
            whole=self._whole,
            busy={job.parent for job in self.jobs.values() if job.parent is not None},
            ended=self._ended,
            closed=self._closed,
        )
        rng = generator(self.plan.seed, "occasion", *self._occasion())
        return next_step(standings, lambda temperature: self._propose(temperature, rng), rng)

    def _is_taken(self, node: int) -> bool:
        """Return whether ``node`` was ended, or is being continued."""
        return node in self._ended or any(job.parent == node for job in self.jobs.values())

    def _root_job(self, settings: Settings, reason: str, expected: tuple[float, float] | None) -> Job:
        index, self._roots = self._roots, self._roots + 1
        node = self._issued + 1
        run_seed = derive(self.plan.seed, "run", index)
        return Job(
            node=node,
            parent=None,
            root=node,
            checkpoint=None,
            settings=self.team.overridden(settings),
            index=0,
            horizon=self.plan.horizon,
            run_seed=run_seed,
            seed=derive(run_seed, 0),
            choice=Choice("start", reason, predicted=expected),
        )

    def _propose(self, temperature: float, rng: np.random.Generator) -> Proposal:
        """Return what a new run would begin with. What is believed of starts is made up anew when enough has happened."""
        occasion = self._occasion()
        grain = max(1, self._paths // GRAINS) if self.plan.sampler == "prior" else 1
        grains = tuple(number // grain for number in occasion)
        if self._prospect is None or self._prospect[0] != grains:
            self._prospect = grains, self._new_prospect(temperature, generator(self.plan.seed, "root", *occasion))
        found = self._prospect[1]
        return found if isinstance(found, Proposal) else found.draw(temperature, rng)

    def _occasion(self) -> tuple[int, int, int]:
        """Return numbers that change when a path has begun, a run has come to its end, or a third of a run has gone by."""
        return self._paths, self._whole, len(self.tree) // max(1, self.plan.horizon // 3)

    def _new_prospect(self, temperature: float, rng: np.random.Generator) -> Prospect | Proposal:
        failed = [event.job.settings for event in self.failures if event.job.parent is None]
        self.charges.draw_weights(rng)
        results = self.outlook.results(failed, charges=self.charges)
        if self.plan.sampler == "prior":
            return self.starts.prospect(results, rng, self.feasible)
        outcomes = [(result.settings, result.error) for result in results]
        settings = propose(self.plan.sampler, self.plan.space, outcomes, seed=self.plan.seed, index=self._roots)
        return self.starts.judge(results, settings, temperature, rng)

    def _decided_job(
        self, parent: int, kind: ChoiceKind, reason: str, expected: tuple[float, float] | None, rng: np.random.Generator
    ) -> Job:
        """Return the segment after ``parent`` with the settings that the team decides on."""
        path, tried = self.tree.path(parent), self._tried(parent)
        node = self._issued + 1
        settings, choice = self.team.decide(path, node=node, kind=kind, reason=reason, tried=tried, rng=rng)
        return self._child_job(parent, settings, replace(choice, predicted=expected))

    def _tried(self, parent: int) -> list[Settings]:
        """Return the settings under which ``parent`` was continued, or is being continued."""
        running = [job.settings for job in self.jobs.values() if job.parent == parent]
        return [*(child.job.settings for child in self.tree.children(parent)), *running]

    def _child_job(self, parent: int, settings: Settings, choice: Choice) -> Job:
        node = self.tree[parent]
        index = node.job.index + 1
        # siblings share their seed: what differs between them is what the agents decided, not luck
        return Job(
            node=self._issued + 1,
            parent=parent,
            root=node.job.root,
            checkpoint=node.checkpoint,
            settings=settings,
            index=index,
            horizon=node.job.horizon,
            run_seed=node.job.run_seed,
            seed=derive(node.job.run_seed, index),
            choice=choice,
        )

    def _user_fork(self, request: ForkRequested) -> Job:
        return self._child_job(request.node, request.settings, Choice("user", "settings that the user chose"))

    def _farewell(self) -> list[Event]:
        assert self.finished is not None
        best = self.tree.best
        kept = {node.id for node in self.tree.path(best.id)} if best else set[int]()
        waiting = [leaf for leaf in self.tree.leaves() if leaf.id not in kept and leaf.id not in self._ended]
        ended: list[Event] = [BranchEnded(leaf.id, _why_left(leaf), "study") for leaf in waiting]
        return [*ended, StudyFinished(self.finished)]


def _taught(plan: Plan, team: Team | Portfolio, memories: Sequence[Memory]) -> tuple[Outlook, Starts]:
    """Return what is known before the first run, from what the package ships and from ``memories``; the team learns too."""
    prior, habits = archive.shipped()
    outlook = Outlook(habits, logarithmic=team.goal.scale == "log", seed=plan.seed)
    priors, favourites = [prior], list[Settings]()
    for number, memory in enumerate(memories):
        results = memory.results(habits)
        priors.append(learned(prior, Portrait(memory.space), results))
        if set(memory.space) == set(plan.space):
            favourites += legal(plan.space, sorted(results, key=lambda result: result.error)[:FAVOURITES])
        if team.goal.scale == "log":
            outlook.remember(memory.whole_runs())
        if memory.space.live == plan.space.live and memory.space.heads == plan.space.heads:
            for path in memory.paths(number):
                team.learn(path, pauses=True)
    return outlook, Starts(plan.space, Portrait(plan.space, plan.given), priors, favourites)


def _why_left(leaf: Node) -> str:
    segments = leaf.job.index + 1
    return f"others promised more after {segments} segment{'s' * (segments > 1)}"
