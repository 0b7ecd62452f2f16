"""The team: one agent for each live hyperparameter, seen from the study. It turns nodes into what agents see and learn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trimtab.agents.protocol import Agent, Decision, Transition
from trimtab.env import Reward, Trace, feature_names, observe, standings
from trimtab.env.trace import Step
from trimtab.policy.advice import Adviser, View
from trimtab.space import Float, Int, Keep, Settings, Space, Value
from trimtab.store.records import Choice, ChoiceKind, HeadChoice, Node
from trimtab.task import Goal


def trace_of(path: Sequence[Node]) -> Trace:
    """Return the run along ``path``, from its root."""
    root = path[0]
    assert root.before is not None, f"root {root.id} was not measured before its first step"
    steps = tuple(Step(node.job.settings, node.after) for node in path)
    return Trace(root.job.settings, root.before, steps, root.job.horizon)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is to see at a node: the observation, the best error of the run so far, and what an adviser has seen."""

    observation: np.ndarray
    best: float
    view: View | None


class Team:
    """Agents that decide on the settings of the next segment of a path and learn from what came of it.

    ``adviser``: tells them what a pretrained policy thinks of their moves, at the end of what they observe.
    """

    def __init__(
        self, agent: Agent, *, name: str, space: Space, goal: Goal, reward: Reward, adviser: Adviser | None = None
    ) -> None:
        self.adviser = adviser
        self.agent = agent
        self.name = name
        self.space = space
        self.goal = goal
        self.reward = reward
        self._allowed = space
        self._fixed: dict[str, Value] = {}
        self._names = (*feature_names(space), *(_advice_names(space) if adviser else ()))
        self._labels = {name: tuple(map(str, space[name].moves)) for name in space.live}
        self._seen: dict[int, _Seen] = {}
        self._last_masks: tuple[Settings, list[np.ndarray]] | None = None
        self._streams: dict[int, int] = {}

    def fix(self, name: str, value: Value | None) -> None:
        """Hold ``name`` at ``value`` from now on; None sets it free."""
        if value is None:
            self._fixed.pop(name, None)
        else:
            self._fixed[name] = self.space[name].check(name, value)
        self._last_masks = None

    def bound(self, name: str, low: float, high: float) -> None:
        """Keep the numeric hyperparameter ``name`` in [low, high] from now on."""
        member = self.space[name]
        assert isinstance(member, (Float, Int))
        bounded = replace(member, low=low, high=high, sizes=tuple(_sizes(member)))
        self._allowed = self._allowed.replace(**{name: bounded})
        self._last_masks = None

    def overridden(self, settings: Mapping[str, Value]) -> Settings:
        """Return ``settings`` under the user's overrides: fixed values, changed bounds."""
        if self._allowed is self.space and not self._fixed and isinstance(settings, Settings):
            return settings
        values = dict(settings)
        for name, member in self._allowed.items():
            if isinstance(member, (Float, Int)):
                clipped = min(member.high, max(member.low, float(values[name])))
                values[name] = type(member.low)(clipped) if isinstance(member, Int) else clipped
        return Settings({**values, **self._fixed})

    def decide(
        self,
        path: Sequence[Node],
        *,
        node: int,
        kind: ChoiceKind,
        reason: str,
        tried: Collection[Settings],
        rng: np.random.Generator,
    ) -> tuple[Settings, Choice]:
        """Return the settings of the segment after ``path``, which makes ``node``, and the record of how they were chosen.

        ``tried``: settings under which the path was continued already; the same again would only repeat them.
        """
        seen = self._see(path)
        now = self.overridden(path[-1].job.settings)
        masks = self._masks(now)
        stream = self._streams[path[-1].id] if kind == "continue" else node
        decision = self.agent.decide(seen.observation, masks, stream=stream)
        settings = self._allowed.apply(now, decision.action)
        if settings in tried:
            decision = self._otherwise(decision, masks, now, tried, rng)
            settings = self._allowed.apply(now, decision.action)
        features = tuple((name, value) for name, value in zip(self._names, seen.observation.tolist(), strict=True) if name)
        worth = float(decision.worth.mean()), float(decision.worth.std())
        choice = Choice(kind, reason, features, self._heads(decision), worth=worth)
        return settings, choice

    def credit(self, node: int, gain: float) -> None:
        """Take no note of what a choice was worth: there is nobody to be preferred."""

    def learn(self, path: Sequence[Node], *, pauses: bool, toll: float = 0.0) -> float:
        """Learn from the last segment of ``path`` and return its reward, of which ``toll`` was taken.

        ``pauses``: nothing may follow for a while.
        """
        node = path[-1]
        trace = trace_of(path)
        stand = standings(trace, self.goal)
        reward = float(self.reward(stand[-2], stand[-1])) - toll
        action = self._action(node)
        stream = self._stream(node)
        if action is not None:
            terminated = node.checkpoint is None or node.job.index + 1 >= node.job.horizon
            transition = Transition(
                observation=self._before(path),
                action=action,
                reward=reward,
                next_observation=self._see(path).observation,
                terminated=terminated,
                truncated=pauses and not terminated,
                next_masks=self._masks(self.overridden(node.job.settings)),
                stream=stream,
            )
            self.agent.learn(transition)
        return reward

    def _otherwise(
        self,
        decision: Decision,
        masks: Sequence[np.ndarray],
        now: Settings,
        tried: Collection[Settings],
        rng: np.random.Generator,
    ) -> Decision:
        """Return ``decision`` with one head, drawn at random, making another move, so that the settings are new if they can.

        The largest moves first: a small one from the same weights with the same seed leads to nearly the same end.
        """
        keep = self.space.keep()
        for head in map(int, rng.permutation(len(masks))):
            moves = rng.permutation(np.flatnonzero(masks[head]))
            for move in map(int, moves[np.argsort(-np.abs(moves - keep[head]), kind="stable")]):
                action = (*decision.action[:head], move, *decision.action[head + 1 :])
                if self._allowed.apply(now, action) not in tried:
                    explored = tuple(strayed or index == head for index, strayed in enumerate(decision.explored))
                    return replace(decision, action=action, explored=explored)
        return decision

    def _before(self, path: Sequence[Node]) -> np.ndarray:
        """Return what was seen before the last segment of ``path``."""
        if len(path) > 1:
            return self._see(path[:-1]).observation
        trace = trace_of(path)
        return self._observed(Trace(trace.start, trace.before, (), trace.horizon), None)[0]

    def _see(self, path: Sequence[Node]) -> _Seen:
        """Return what is seen at the end of ``path``. Nodes never change: what was seen once is kept."""
        node = path[-1].id
        if node not in self._seen:
            trace = trace_of(path)
            best = standings(trace, self.goal)[-1].best
            before = self._view_before(path) if self.adviser else None
            observation, view = self._observed(trace, before)
            self._seen[node] = _Seen(observation, best, view)
        return self._seen[node]

    def _view_before(self, path: Sequence[Node]) -> View | None:
        """Return what the adviser has seen before the last segment of ``path``."""
        if len(path) > 1:
            return self._see(path[:-1]).view
        trace = trace_of(path)
        return self._observed(Trace(trace.start, trace.before, (), trace.horizon), None)[1]

    def _observed(self, trace: Trace, before: View | None) -> tuple[np.ndarray, View | None]:
        """Return the observation at the end of ``trace``, with the advice if there is any, and what the adviser has seen."""
        observation = observe(trace, self.goal, self.space)
        if self.adviser is None:
            return observation, None
        view = self.adviser.see(trace, before)
        advice = self.adviser.advice(view, trace.settings)
        return np.concatenate([observation, advice.reshape(-1)]), view

    def _masks(self, settings: Settings) -> list[np.ndarray]:
        """Return the moves that do something; a fixed hyperparameter can only be kept.

        The last ones are kept: what was learned at the end of a path is most often decided on next.
        """
        if self._last_masks is None or self._last_masks[0] != settings:
            found = list(self._allowed.masks(settings))
            for head, (name, keep) in enumerate(zip(self.space.live, self._allowed.keep(), strict=True)):
                if name in self._fixed:
                    found[head] = np.arange(len(found[head])) == keep
            self._last_masks = (settings, found)
        return self._last_masks[1]

    def _heads(self, decision: Decision) -> tuple[HeadChoice, ...]:
        return tuple(
            HeadChoice(
                name=name,
                agent=self.name,
                moves=self._labels[name],
                values=tuple(decision.values[head].tolist()),
                spreads=tuple(decision.spreads[head].tolist()),
                chosen=decision.action[head],
                explored=decision.explored[head],
            )
            for head, name in enumerate(self.space.live)
        )

    def _action(self, node: Node) -> tuple[int, ...] | None:
        """Return the moves that made ``node``: none at a root (keep), unknown (None) where the user chose the settings."""
        if node.job.parent is None:
            return self.space.keep()
        return tuple(head.chosen for head in node.job.choice.heads) or None

    def _stream(self, node: Node) -> int:
        """Return the stream of ``node``'s transition: that of its parent if it continues it, its own if it begins a path."""
        goes_on = node.job.parent is not None and node.job.choice.kind == "continue"
        stream = self._streams[node.job.parent] if goes_on and node.job.parent is not None else node.id
        self._streams[node.id] = stream
        return stream


def _advice_names(space: Space) -> list[str]:
    """Return the name of each number of advice; those that are always 0 have none."""
    most = max(space.heads)
    names = [
        ["" if isinstance(move, Keep) else f"advice on {name}: {move}" for move in space[name].moves] for name in space.live
    ]
    return [name for row in names for name in (*row, *[""] * (most - len(row)))]


def _sizes(member: Float | Int) -> list[float]:
    """Return the sizes of a member's moves, so that narrower bounds leave the moves as they are."""
    sizes = [getattr(move, "factor", None) or getattr(move, "delta", 0.0) for move in member.moves]
    return [size for size in sizes if size > (1.0 if member.log else 0.0)]
