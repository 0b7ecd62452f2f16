"""What came of a control: the policy, how it does beside the rules, and the study that it was learned in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trimtab.controllers.evaluation import Evaluation, evaluate
from trimtab.controllers.film import film
from trimtab.controllers.policy import Policy
from trimtab.controllers.task import ControlTask
from trimtab.study import Best, Result


class ControlResult:
    """``study``: the study's own Result: its tree, its events, its report. ``task``: what was learned, and on which system."""

    def __init__(self, study: Result, task: ControlTask) -> None:
        self.study = study
        self.task = task
        self._confirmed: dict[int, bool] = {}

    @property
    def best(self) -> Best:
        """The segment after which the policy cost least on validation episodes, of those within the limits if there is one."""
        return self.study.best

    @property
    def policy(self) -> Policy:
        """The policy after that segment. Where it is no better than the rule it began at, it leaves all decisions to that.

        It has to be better on the validation episodes by which it was chosen, and on as many others, which are played now, by
        at least a standard error.
        """
        return self.policy_of(self.best.node)

    def policy_of(self, node: int) -> Policy:
        """Return the policy after the segment ``node``."""
        task, metrics = self.task, self.study.tree[node].after.metrics
        state = task.decode(self.study.checkpoint(node))
        if node not in self._confirmed:
            better = task.rule is None or metrics[task.system.cost] < metrics["rule"]
            self._confirmed[node] = better and task.confirmed(state)
        return Policy(task.system.name, task.agent, state.crew, task.rule, not self._confirmed[node])

    def evaluate(self, *, seeds: int = 20, against: Sequence[str] | None = None) -> Evaluation:
        """Return how the policy does on ``seeds`` held-out episodes beside the rules ``against`` (default: all)."""
        names = tuple(self.task.system.rules) if against is None else against
        return evaluate(self.policy, self.task.system, seeds=seeds, against=names)

    def film(self, path: str | Path, *, seed: int = 0, frames: int = 120) -> None:
        """Write the policy at work on a held-out episode as a GIF of at most ``frames`` pictures that the system draws."""
        film(self.policy, self.task.system, path, seed=seed, frames=frames)

    def plot(self, what: str = "losses") -> Any:
        """Return a figure of the study: what the policy cost after each segment ("losses"), or the "settings"."""
        return self.study.plot(what)

    def report(self, path: str | Path) -> None:
        """Write the study as one self-contained HTML page."""
        self.study.report(path, title=self.task.system.name)
