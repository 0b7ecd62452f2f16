"""Several teams in one study: each path is given to one of them, and the better a team does, the more paths it is given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from trimtab.seeds import generator
from trimtab.space import Settings, Value
from trimtab.store.records import Choice, ChoiceKind, Node
from trimtab.study.team import Team
from trimtab.task import Goal

USUAL_GAIN = 0.02
"""Before anything is seen, by how much a segment changes what a run is expected to end with, in log error."""
PATIENCE = 5.0
"""So many segments' worth that counts."""


class Portfolio:
    """Teams that share all experience. It has the face of a single ``Team``, and asks the one to which a path belongs.

    A path is given away by Thompson sampling (Thompson 1933) over how much lower, after a segment that a team decided on, the
    run is expected to end than before: what a team's choices were worth, wherever in a run it made them.
    """

    def __init__(self, teams: Sequence[Team], *, seed: int) -> None:
        self.teams = teams
        self._rng = generator(seed, "portfolio")
        self._owners: dict[int, int] = {}
        self._pending: dict[int, int] = {}
        self._sums = np.zeros(len(teams))
        self._squares = np.full(len(teams), PATIENCE * USUAL_GAIN**2)
        self._counts = np.full(len(teams), PATIENCE)
        self._given = np.zeros(len(teams), dtype=int)

    @property
    def goal(self) -> Goal:
        return self.teams[0].goal

    def fix(self, name: str, value: Value | None) -> None:
        """Hold ``name`` at ``value`` from now on; None sets it free."""
        for team in self.teams:
            team.fix(name, value)

    def bound(self, name: str, low: float, high: float) -> None:
        """Keep the numeric hyperparameter ``name`` in [low, high] from now on."""
        for team in self.teams:
            team.bound(name, low, high)

    def overridden(self, settings: Settings) -> Settings:
        """Return ``settings`` under the user's overrides."""
        return self.teams[0].overridden(settings)

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
        """Return the settings of the segment after ``path``, by the team that the path belongs to."""
        owner = self._owners.get(path[-1].id) if kind == "continue" else None
        if owner is None:
            owner = self._draw()
        self._pending[node] = owner
        return self.teams[owner].decide(path, node=node, kind=kind, reason=reason, tried=tried, rng=rng)

    def learn(self, path: Sequence[Node], *, pauses: bool, toll: float = 0.0) -> float:
        """Let every team learn from the last segment of ``path`` and return its reward."""
        owner = self._pending.pop(path[-1].id, None)
        if owner is not None:
            self._owners[path[-1].id] = owner
        rewards = [team.learn(path, pauses=pauses, toll=toll) for team in self.teams]
        return rewards[0]

    def credit(self, node: int, gain: float) -> None:
        """Note by how much lower a run is expected to end since ``node``, for the team that decided on it."""
        owner = self._owners.get(node)
        if owner is not None:
            self._sums[owner] += gain
            self._squares[owner] += gain**2
            self._counts[owner] += 1.0

    def _draw(self) -> int:
        """Return the team that gets a new path: each gets one before any gets a second, in order."""
        if not self._given.all():
            chosen = int(self._given.argmin())
            self._given[chosen] += 1
            return chosen
        means = self._sums / self._counts
        deviations = np.sqrt(np.maximum(self._squares / self._counts - means**2, 1e-12) / self._counts)
        return int((means + deviations * self._rng.standard_normal(len(self.teams))).argmax())
