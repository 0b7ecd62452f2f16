"""``tt.control``: agents that learn to run a system, in a study that is kept and shown like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from trimtab.controllers.joint import check_coordination, together
from trimtab.controllers.line import Course, Line
from trimtab.controllers.logs import Log
from trimtab.controllers.result import ControlResult
from trimtab.controllers.settings import SEGMENTS, options_of, plan
from trimtab.controllers.source import as_system
from trimtab.controllers.task import SPACE, ControlTask, Length
from trimtab.controllers.world import open_world
from trimtab.errors import ControlError, StudyError
from trimtab.runners.inline import InlineRunner
from trimtab.runners.processes import ProcessRunner
from trimtab.store import Journal, open_journal
from trimtab.store.records import BudgetExtended, StudyCreated
from trimtab.study import Budget, Result
from trimtab.study.audience import Audience, Logger
from trimtab.study.session import Session, commit
from trimtab.systems import Rule, System

TRUSTED = "trusted"
"""``start``: begin at the rule that the system trusts, if it has one."""


def control(
    env: Any,
    *,
    agent: str = "dqn",
    budget: Budget | None = None,
    start: str | None = TRUSTED,
    rules: Mapping[str, Rule] | None = None,
    limits: Mapping[str, float] | None = None,
    coordination: str = "independent",
    options: Mapping[str, Any] | None = None,
    rate: float | None = None,
    logs: Sequence[Log | str | Path] = (),
    validation: int = 5,
    store: str | Path = "sqlite:///trimtab.db",
    name: str | None = None,
    runner: Literal["inline", "processes"] = "inline",
    loggers: Sequence[Logger] = (),
    seed: int = 0,
) -> ControlResult:
    """Let agents learn to run ``env``, and return what came of it.

    ``env``: a system of trimtab ("traffic/cologne1"), an id of Gymnasium, an environment, a parallel one in the way of
    PettingZoo, or a function that makes one (of the split "train", "validation" or "test", if it has a parameter).
    ``agent``: "dqn", "q-learning", "sarsa", "neural", "linear", "bernoulli" or "random"; ``options``: its own, ``rate``: its
    first learning rate. ``budget``: ``Budget(episodes=300)``, or ``examples``: transitions; default: ``System.episodes``.
    ``start``: a rule that the agents begin at and are told of ("trusted": the system's own, None: none); ``rules``: more of
    them. ``coordination`` of several agents: "independent", those of a kind sharing what they learn; or all as one whose heads
    are valued together ("value-decomposition") or one after the other ("sequential").
    ``limits``: the most that a named cost may be, the mean of an episode. ``validation``: episodes on which the policy is
    judged after every twentieth of the budget. ``logs``: made by ``record``, learned from before the first episode.
    ``runner``: "processes" survives a simulator that hangs or takes its process down. ``store``, ``name``, ``loggers``,
    ``seed``: as for a Study; a control that is in the store goes on where it was.
    """
    system, options = _coordinated(as_system(env, rules), agent, coordination, options or {})
    budget = Budget(episodes=system.episodes) if budget is None else budget
    if not isinstance(budget, Budget):
        raise StudyError(f"budget: expected a Budget such as Budget(episodes=300), got {budget!r}")
    rule = _rule(start, system, agent)
    options = options_of(agent, options, agents=_sharing(system, agent), advised=rule is not None)
    read = tuple(log if isinstance(log, Log) else Log.load(log) for log in logs)
    task = ControlTask(system, _length(budget), agent, options, rule, dict(limits or {}), validation, seed, read)
    course = Course(budget, _segments(budget), plan(agent, advised=rule is not None, rate=rate), task.limits, seed)
    journal = open_journal(str(store), name or system.name)
    _run(task, course, journal, Audience(loggers), runner)
    return ControlResult(Result(journal, task), task)


def _coordinated(system: System, agent: str, coordination: str, options: Mapping[str, Any]) -> tuple[System, Mapping[str, Any]]:
    if check_coordination(coordination, agent) == "independent":
        return system, options
    return together(system), {"coordination": coordination, **options}


def _rule(start: str | None, system: System, agent: str) -> str | None:
    """Return the name of the rule to begin at; only a DQN can be told of one."""
    if agent == "dqn":
        return system.trusted if start == TRUSTED else start
    if start not in (TRUSTED, None):
        raise ControlError(f"start: expected None with agent={agent!r}: only a 'dqn' begins at a rule, got {start!r}")
    return None


def _sharing(system: System, agent: str) -> int:
    """Return how many agents share a learner at the most."""
    world = open_world(system, "train", agent)
    kinds = Counter(world.kind(each) for each in world.agents)
    world.close()
    return max(kinds.values())


def _length(budget: Budget) -> Length:
    """Return how long a segment is: a twentieth of the budget, in its own unit."""
    if budget.episodes is not None:
        return Length(episodes=max(1, budget.episodes // SEGMENTS))
    if budget.examples is not None:
        return Length(transitions=max(1, budget.examples // SEGMENTS))
    raise StudyError(f"budget: expected episodes or examples (transitions) for a control, got {budget}")


def _segments(budget: Budget) -> int:
    length = _length(budget)
    if length.episodes is not None and budget.episodes is not None:
        return max(1, budget.episodes // length.episodes)
    return SEGMENTS


def _run(task: ControlTask, course: Course, journal: Journal, audience: Audience, runner: str) -> None:
    """Spend the budget, from where the journal says that the study is."""
    if runner not in ("inline", "processes"):
        raise StudyError(f"runner: expected 'inline' or 'processes', got {runner!r}")
    with journal.lock():
        try:
            line = _recalled(task, course, journal, audience)
            if line.finished is None:
                started = (
                    InlineRunner(task, journal.checkpoints)
                    if runner == "inline"
                    else ProcessRunner(task, journal.checkpoints.url, workers=1)
                )
                try:
                    Session(line, journal, started, audience, keep="wanted").run()
                finally:
                    started.close()
        finally:
            audience.close()
    if not len(line.tree) and line.failures:
        raise StudyError(f"no segment came to its end; the last one failed with: {line.failures[-1].message}")


def _recalled(task: ControlTask, course: Course, journal: Journal, audience: Audience) -> Line:
    """Return the line as the journal's events left it; a new one is begun, another control under this name is an error."""
    events = journal.read()
    created = next((event for event in events if isinstance(event, StudyCreated)), None)
    if created is not None and created.fingerprint != task.fingerprint():
        raise StudyError(
            f"name: {journal.study!r} in {journal.url} is another control: it is {created.fingerprint}, this one "
            f"{task.fingerprint()}; give this one another name or store"
        )
    given = course.budget if created is None else Budget(**created.config["budget"])
    line = Line(Course(given, course.segments, course.settings, course.limits, course.seed))
    for event in events:
        line.receive(event)
    audience.recall(events)
    if not events:
        commit(StudyCreated(_config(task, course), task.fingerprint(), None), line, journal, audience)
    for request in journal.requests():
        commit(request, line, journal, audience)
    if given != course.budget and line.budget != course.budget:
        commit(BudgetExtended(course.budget.to_record()), line, journal, audience)
    return line


def _config(task: ControlTask, course: Course) -> dict[str, Any]:
    goal = task.goal
    return {
        "space": SPACE.to_record(),
        "budget": course.budget.to_record(),
        "agent": task.agent,
        "horizon": course.segments,
        "start": [],
        "seed": course.seed,
        "goal": {"metric": goal.metric, "minimise": goal.minimise, "scale": goal.scale, "bound": goal.bound},
        "system": task.system.name,
        **({"limits": dict(task.limits)} if task.limits else {}),
    }
