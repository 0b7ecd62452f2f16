"""A study: a task, a space, a budget, and a team of agents that spends it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

from trimtab.agents.protocol import Agent
from trimtab.env import Reward, feature_names, resolve
from trimtab.errors import StudyError
from trimtab.runners.inline import InlineRunner
from trimtab.runners.processes import ProcessRunner
from trimtab.runners.protocol import Runner
from trimtab.search.roots import check_sampler
from trimtab.seeds import derive
from trimtab.space import Space, Value
from trimtab.store import open_journal
from trimtab.store.places import parse_url, show_url
from trimtab.store.protocol import Journal
from trimtab.store.records import BudgetExtended, Override, StudyCreated, WorkersChanged
from trimtab.store.retention import Keep
from trimtab.study import overrides
from trimtab.study.aims import check_limits, check_objectives
from trimtab.study.audience import Audience, Logger
from trimtab.study.budget import Budget
from trimtab.study.core import Core, Plan
from trimtab.study.experience import Memory, check_experience, recall, remember, share
from trimtab.study.portfolio import Portfolio
from trimtab.study.recruit import adviser, recruit
from trimtab.study.result import Result
from trimtab.study.session import Session, commit
from trimtab.study.team import Team
from trimtab.task import Task

AgentMaker: TypeAlias = Callable[[int, Sequence[int], int], Agent]
"""``(features, heads, seed) -> Agent``."""

DEFAULT_HORIZON = 20


class Study:
    """Spends ``budget`` on ``task``: agents, one for each live hyperparameter of ``space``, decide before every segment.

    ``agent``: "pilot" (a DQN that begins at the shipped policy), "dqn" (one that begins with nothing), "sarsa", "q-learning",
    "random", a function ``(features, heads, seed) -> Agent``, or a list of these: each path is then given to one of them, and
    the better one does, the more it is given. ``reward``: "best" (the decrease of the best error so far), "final" (of the
    current error), a callable or a mapping of named terms. ``horizon``: segments of a whole run; default: a tenth of the
    budget. ``start``: settings (or a list of them) of the first runs; later ones come from ``roots``: "prior" (what earlier
    trainings and the runs of this study have taught), "random", or one of Optuna's samplers, "tpe", "gp" or "cmaes".
    ``limits``: the most that a quantity of the model may be: "parameters", "latency" (seconds an example), "seconds" (of the
    training that led to it), "gap" (log of validation loss over train loss) or any validation metric. ``objectives``:
    quantities to be low beside the error, for ``Result.front``. ``experience``: path of a store whose studies are learned
    from before the first run, and to which this one is added.
    ``store``: URL or path of the database that remembers the study ``name``; a study that is there already goes on where it
    was. ``workers``: segments that run at a time; more than one run in processes of their own. ``loggers``: told of every
    event. ``keep``: "all" checkpoints, or only those "wanted": of the best run, of the ten best segments, and of runs that may
    go on.
    """

    def __init__(
        self,
        task: Task[Any],
        space: Space,
        *,
        budget: Budget,
        agent: str | AgentMaker | Sequence[str | AgentMaker] = "pilot",
        reward: str | Reward | Mapping[str, Reward | float] = "best",
        horizon: int | None = None,
        start: Mapping[str, Value] | Sequence[Mapping[str, Value]] = (),
        roots: str = "prior",
        limits: Mapping[str, float] | None = None,
        objectives: Sequence[str] = (),
        experience: str | Path | None = None,
        store: str | Path = "sqlite:///trimtab.db",
        name: str = "study",
        workers: int = 1,
        runner: Literal["inline", "processes"] | None = None,
        loggers: Sequence[Logger] = (),
        keep: Keep = "all",
        seed: int = 0,
    ) -> None:
        if not isinstance(budget, Budget):
            raise StudyError(f"budget: expected a Budget such as Budget(segments=400), got {budget!r}")
        workers, seed = _check_whole("workers", workers, least=1), _check_whole("seed", seed, least=0)
        if not isinstance(space, Space):
            raise StudyError(f"space: expected a Space, got {space!r}")
        self.task = task
        self.space = space
        self.budget = budget
        _check_agent(agent)
        self.agent = agent
        self.reward = resolve(reward)
        self._horizon_given = horizon is not None
        self.horizon = _default_horizon(budget) if horizon is None else _check_whole("horizon", horizon, least=1)
        self.start = tuple(space.check(one) for one in ([start] if isinstance(start, Mapping) else start))
        self.roots = check_sampler(roots)
        self.limits = check_limits({} if limits is None else limits, task)
        self.objectives = check_objectives(objectives, task)
        self.experience = None if experience is None else check_experience(experience)
        self.store = _check_store(store)
        self.name = name
        self.workers = workers
        self.runner = _check_runner(runner, workers)
        self.loggers = tuple(loggers)
        self.keep: Keep = _check_keep(keep)
        self.seed = seed
        self.source: str | None = _main_file()
        """Where the study is defined, so that the command line can find its task again: "file.py" or "file.py:name"."""
        task.check(space)

    def run(self) -> Result:
        """Spend the budget, from where the store says that the study is, and return what came of it.

        The first Ctrl-C finishes and commits the segments that run, the second stops at once; both raise KeyboardInterrupt,
        and running the study again goes on.
        """
        journal = open_journal(self.store, self.name)
        audience = Audience(self.loggers)
        with journal.lock():
            try:
                core = self._recall(journal, audience)
                self._spend(core, journal, audience)
            finally:
                audience.close()
                self._share(journal)
        if not len(core.tree) and core.failures:
            raise StudyError(f"no segment came to its end; the last one failed with: {core.failures[-1].message}")
        return Result(journal, self.task)

    def _spend(self, core: Core, journal: Journal, audience: Audience) -> None:
        if core.finished is not None:
            return
        runner = self._start_runner(journal)
        try:
            Session(core, journal, runner, audience, keep=self.keep).run()
        finally:
            runner.close()

    def result(self) -> Result:
        """Return what came of the study so far, without running anything."""
        return Result(open_journal(self.store, self.name, create=False), self.task)

    def fix(self, **settings: Value | None) -> None:
        """Hold live hyperparameters at these values from the next segment on (None: set free). Works while the study runs."""
        for request in [overrides.fix(self.space, name, value) for name, value in settings.items()]:
            self._request(request)

    def bound(self, name: str, low: float, high: float) -> None:
        """Keep the numeric hyperparameter ``name`` in [low, high] from the next segment on. Works while the study runs."""
        self._request(overrides.bound(self.space, name, low, high))

    def end(self, node: int) -> None:
        """End the branch at ``node`` and everything below it. Works while the study runs."""
        self._request(overrides.end(self.result().tree, node))

    def extend(self, budget: Budget) -> None:
        """Add ``budget`` to what the study may spend. Works while the study runs; one that is over goes on by ``run``."""
        if not isinstance(budget, Budget):
            raise StudyError(f"budget: expected a Budget such as Budget(segments=100), got {budget!r}")
        self._request(BudgetExtended(budget.to_record(), added=True))

    def fork(self, node: int, settings: Mapping[str, Value] | None = None, **changes: Value) -> None:
        """Continue ``node`` under ``settings`` or with ``changes`` to its own, next. Works while the study runs or before."""
        self._request(overrides.fork(self.space, self.result().tree, node, {**(settings or {}), **changes}))

    def _recall(self, journal: Journal, audience: Audience) -> Core:
        """Return the core as the store's events left it, and record what this sitting does differently."""
        events = journal.read()
        created = next((event for event in events if isinstance(event, StudyCreated)), None)
        if created is not None:
            self._check_same(created)
        memories = self._remember(created)
        # with another budget than the one it was begun with, its events would not make the same jobs
        core = self._new_core(self.budget if created is None else Budget(**created.config["budget"]), memories)
        for event in events:
            core.receive(event)
        audience.recall(events)
        if not events:
            config = self._config()
            if self.experience is not None:
                config["experience"] = [[memory.name, memory.events] for memory in memories]
            commit(StudyCreated(config, self.task.fingerprint(), self.source), core, journal, audience)
        for request in journal.requests():
            commit(request, core, journal, audience)
        if core.given != self.budget:
            commit(BudgetExtended(self.budget.to_record()), core, journal, audience)
        if core.workers != self.workers and core.finished is None:
            commit(WorkersChanged(self.workers), core, journal, audience)
        return core

    def _remember(self, created: StudyCreated | None) -> list[Memory]:
        """Return the studies that this one learns from: those that it was begun with, or all that there are."""
        used = None if created is None else created.config.get("experience", [])
        if self.experience is None:
            if used:
                raise StudyError(f"experience: study {self.name!r} was begun with one; give it the same again")
            return []
        if used is not None:
            return recall(self.experience, used)
        own = {self._kept_as(), *([self.name] if self._shares_store() else [])}
        return remember(self.experience, self.space, self.task.goal, but=own.__contains__)

    def _share(self, journal: Journal) -> None:
        """Add what came of this study to the experience, unless it is there already because it is its own store."""
        if self.experience is not None and not self._shares_store():
            share(self.experience, self._kept_as(), journal.read())

    def _shares_store(self) -> bool:
        return self.experience is not None and parse_url(self.experience) == parse_url(self.store)

    def _kept_as(self) -> str:
        """Return the name under which this study is kept among those of other stores."""
        return f"{self.name}-{sha256(show_url(parse_url(self.store)).encode()).hexdigest()[:8]}"

    def _new_core(self, budget: Budget, memories: Sequence[Memory]) -> Core:
        given = {name: value for name, value in getattr(self.task, "defaults", {}).items() if name not in self.space}
        members = [self.agent] if isinstance(self.agent, str) or callable(self.agent) else list(self.agent)
        teams = [self._new_team(member, derive(self.seed, "agent")) for member in members]
        team = teams[0] if len(teams) == 1 else Portfolio(teams, seed=self.seed)
        plan = Plan(
            self.space, budget, self.horizon, self.seed, self.start, self.roots, given, self.limits, self.objectives
        )  # fmt: skip
        return Core(plan, team, memories)

    def _new_team(self, member: str | AgentMaker, seed: int) -> Team:
        if isinstance(member, str):
            agent, name, advised = recruit(member, self.space, seed=seed), member, adviser(member, self.space)
        else:
            agent, name = member(len(feature_names(self.space)), self.space.heads, seed), _name_of(member)
            advised = None
        return Team(agent, name=name, space=self.space, goal=self.task.goal, reward=self.reward, adviser=advised)

    def _config(self) -> dict[str, Any]:
        goal = self.task.goal
        return {
            "space": self.space.to_record(),
            "budget": self.budget.to_record(),
            "agent": _name_of(self.agent),
            "horizon": self.horizon,
            "start": [dict(settings) for settings in self.start],
            "roots": self.roots,
            "seed": self.seed,
            "goal": {"metric": goal.metric, "minimise": goal.minimise, "scale": goal.scale, "bound": goal.bound},
            **({"limits": self.limits} if self.limits else {}),
            **({"objectives": list(self.objectives)} if self.objectives else {}),
        }

    def _check_same(self, created: StudyCreated) -> None:
        """Raise StudyError if the recorded study is not this one; its budget and its workers may differ."""
        if not self._horizon_given:
            # the default follows the budget that the study was begun with
            self.horizon = int(created.config["horizon"])
        config = self._config()
        for key in (key for key in {**config, **created.config} if key not in ("budget", "experience")):
            if created.config.get(key) != config.get(key):
                where = f"study {self.name!r} in {self.store}"
                raise StudyError(
                    f"{where} was begun with another {key}: it has {created.config.get(key)!r}, this one {config.get(key)!r}; "
                    "give this study another name or store, or make the two alike"
                )
        if created.fingerprint != self.task.fingerprint():
            raise StudyError(
                f"study {self.name!r} in {self.store} was begun with another task; give this one another name or store"
            )

    def _start_runner(self, journal: Journal) -> Runner:
        if self.runner == "inline":
            return InlineRunner(self.task, journal.checkpoints)
        return ProcessRunner(self.task, journal.checkpoints.url, workers=self.workers)

    def _request(self, override: Override) -> None:
        open_journal(self.store, self.name, create=False).request(override)


def _name_of(agent: str | AgentMaker | Sequence[str | AgentMaker]) -> str:
    """Return what an agent is called in a store; several are named one after the other."""
    if isinstance(agent, str):
        return agent
    return getattr(agent, "__name__", "agent") if callable(agent) else ", ".join(map(_name_of, agent))


def _check_agent(agent: str | AgentMaker | Sequence[str | AgentMaker]) -> None:
    """Raise StudyError unless ``agent`` is a name, a function, or several of them that can be told apart."""
    if isinstance(agent, str) or callable(agent):
        return
    if not isinstance(agent, Sequence) or not agent or not all(isinstance(one, str) or callable(one) for one in agent):
        raise StudyError(f"agent: expected a name, a function, or a list of them, got {agent!r}")
    names = [_name_of(one) for one in agent]
    if len(set(names)) < len(names):
        raise StudyError(f"agent: expected different agents, got {', '.join(names)}")


def _check_store(store: object) -> str:
    if not isinstance(store, (str, Path)):
        raise StudyError(f"store: expected a file such as digits.db, or a URL, got {store!r}")
    return str(store)


def _check_runner(runner: str | None, workers: int) -> str:
    """Return where segments run, by default in this process if there is one worker; raise StudyError if they cannot."""
    chosen = runner or ("inline" if workers == 1 else "processes")
    if chosen not in ("inline", "processes") or (chosen == "inline" and workers > 1):
        raise StudyError(f"runner: expected 'processes', or 'inline' with one worker, got {runner!r} with {workers}")
    return chosen


def _check_keep(keep: Keep) -> Keep:
    if keep not in ("all", "wanted"):
        raise StudyError(f"keep: expected 'all' or 'wanted', got {keep!r}")
    return keep


def _check_whole(name: str, value: object, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise StudyError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return value


def _default_horizon(budget: Budget) -> int:
    """Return a tenth of a budget in segments; ten runs are the least that agents can compare."""
    return max(1, budget.segments // 10) if budget.segments is not None else DEFAULT_HORIZON


def _main_file() -> str | None:
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(Path(path).resolve()) if path else None
