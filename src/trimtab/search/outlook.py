"""What every path of a study is expected to come to, kept up as nodes arrive."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from trimtab.search.charges import Charges
from trimtab.search.forecast import FEATURES, Forecast, Habits, describe
from trimtab.search.starts import Result
from trimtab.seeds import generator
from trimtab.space import Settings
from trimtab.store.records import Node
from trimtab.store.tree import can_go_on

LOST = 0.5, 0.3
"""A start that leads nowhere counts as so much worse than the worst that led somewhere, give or take."""
SURE = 0.02
"""What a run that came to its end tells about its start is as sure as this."""

RISEN, PATIENCE = 0.2, 5
"""A run is over once its error, a logarithm, was so far above its lowest for one part in so many of the whole: it over-fits."""


class Outlook:
    """Forecasts of the lowest error at the end of each path; errors are in units of ``unit``, 1 where they are logarithms."""

    def __init__(self, habits: Habits, *, logarithmic: bool, seed: int = 0) -> None:
        self._seed = seed
        self._forecast = Forecast(habits)
        self._logarithmic = logarithmic
        self._unit = 1.0 if logarithmic else 0.0
        self._errors: dict[int, tuple[float, ...]] = {}
        self._rows = np.zeros((64, FEATURES))
        self._lowest, self._progress, self._rest = np.zeros(64), np.ones(64), np.zeros(64)
        self._hope = np.zeros(64)
        self._gains, self._deviations = np.zeros(64), np.zeros(64)
        self._forecast_by = self._forecast.runs
        self._starts: dict[int, Node] = {}
        self._reached: dict[int, dict[int, tuple[float, float]]] = {}

    def remember(self, runs: Sequence[Sequence[float]]) -> None:
        """Learn from runs of earlier studies that came to their end: their errors, from before the first step."""
        for before, *errors in runs:
            self._forecast.learn(before, errors)

    def add(self, node: Node, before: float | None) -> None:
        """Take in a node; ``before``: the error before the first step, at a root."""
        self._measure_unit(node, before)
        above = (math.nan if before is None else before,) if node.job.parent is None else self._errors[node.job.parent]
        errors = (*above, node.error)
        if node.job.parent is None:
            self._starts[node.id] = node
        if can_go_on(node) or node.checkpoint is not None:
            self._errors[node.id] = errors
            self._describe(node.id, errors, node.job.horizon)
            self._inherit(node)
            if node.job.index + 1 == node.job.horizon:
                self._forecast.learn(errors[0] / self._unit, [error / self._unit for error in errors[1:]])
        self._reach(node)

    def ends(self, nodes: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest error that each path is expected to end with, and its standard deviation, (n,) each."""
        places = np.asarray(nodes, dtype=int)
        if self._forecast_by != self._forecast.runs:
            # of thousands of leaves hardly any changes between two decisions; all do when a run has come to its end
            self._gains, self._deviations = self._forecast.rest(self._rows, self._progress)
            self._forecast_by = self._forecast.runs
        return self._lowest[places] + self._gains[places] * self._unit, self._deviations[places] * self._unit

    def end(self, node: Node) -> float:
        """Return the lowest error that the path of ``node`` is expected to end with, infinite where it diverged."""
        if node.id not in self._errors:
            return math.inf
        return float(self.ends([node.id])[0][0]) if can_go_on(node) else min(self._errors[node.id][1:])

    def rests(self, nodes: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return how many segments each node is from the end of its run, (n,)."""
        return self._rest[np.asarray(nodes, dtype=int)]

    def hopes(self, nodes: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return how many deviations from what is expected each node's path is hoped to end, (n,).

        Drawn once for a path and kept while it goes on: draws that changed with every segment would send the budget from one
        young run to the next, and none would come to its end (Osband et al. 2016, on deep exploration).
        """
        return self._hope[np.asarray(nodes, dtype=int)]

    def _inherit(self, node: Node) -> None:
        goes_on = node.job.parent is not None and node.job.choice.kind == "continue"
        drawn = float(generator(self._seed, "hope", node.id).standard_normal())
        self._hope[node.id] = self._hope[node.job.parent or 0] if goes_on else drawn

    def close(self, node: Node) -> None:
        """Take ``node``, which was added last, for the end of its run: no segment may follow."""
        self._reached[node.job.root][node.id] = min(self._errors[node.id][1:]), SURE * self.unit

    def why_over(self, node: Node) -> str | None:
        """Return why nothing is to be expected of ``node``'s run any more, None if something is.

        Of errors that are no logarithms nothing is said: a return is noisy, and its lowest is luck.
        """
        errors = self._errors.get(node.id, ())[1:]
        patience = max(3, math.ceil(node.job.horizon / PATIENCE))
        if not self._logarithmic or len(errors) <= patience or min(errors[-patience:]) < min(errors) + RISEN:
            return None
        return f"it got worse: for {patience} segments its error lay far above the {min(errors):.4g} that it had reached"

    def results(self, failed: Sequence[Settings] = (), *, charges: Charges | None = None) -> list[Result]:
        """Return what each start so far has come to, or is expected to, with what it is charged for.

        ``failed``: starts that came to nothing at all.
        """
        lowest = [min(ends.values())[0] for ends in self._reached.values() if ends]
        lost = max(lowest, default=0.0) + LOST[0] * self.unit, LOST[1] * self.unit
        found = {root: _lowest(ends, charges, lost[0]) for root, ends in self._reached.items() if ends}
        begun = [Result(node.job.settings, *found.get(root, lost)) for root, node in self._starts.items()]
        return [*begun, *(Result(settings, *lost) for settings in failed)]

    @property
    def unit(self) -> float:
        """What counts as much as a factor of e where errors are logarithms."""
        return self._unit or 1.0

    def _measure_unit(self, node: Node, before: float | None) -> None:
        """Take the first segment's descent for the unit of errors that are not logarithms."""
        if self._unit == 0.0 and math.isfinite(node.error):
            began = before if before is not None and math.isfinite(before) else node.error
            self._unit = max(abs(node.error - began), 0.1 * abs(began), 1e-9)

    def _describe(self, node: int, errors: tuple[float, ...], horizon: int) -> None:
        while node >= len(self._rows):
            self._rows = np.vstack([self._rows, np.zeros_like(self._rows)])
            self._lowest = np.concatenate([self._lowest, np.zeros_like(self._lowest)])
            self._progress = np.concatenate([self._progress, np.ones_like(self._progress)])
            self._rest = np.concatenate([self._rest, np.zeros_like(self._rest)])
            self._hope = np.concatenate([self._hope, np.zeros_like(self._hope)])
            self._gains = np.concatenate([self._gains, np.zeros_like(self._gains)])
            self._deviations = np.concatenate([self._deviations, np.zeros_like(self._deviations)])
        unit = self.unit
        after = errors[1:]
        self._rows[node] = describe(errors[0] / unit, [error / unit for error in after], horizon)
        self._lowest[node], self._progress[node] = min(after), len(after) / horizon
        self._rest[node] = horizon - len(after)
        one = slice(node, node + 1)
        self._gains[one], self._deviations[one] = self._forecast.rest(self._rows[one], self._progress[one])

    def _reach(self, node: Node) -> None:
        ends = self._reached.setdefault(node.job.root, {})
        ends.pop(node.job.parent or 0, None)
        if node.id not in self._errors:
            return
        if can_go_on(node):
            means, deviations = self.ends([node.id])
            ends[node.id] = float(means[0]), float(deviations[0])
        else:
            ends[node.id] = min(self._errors[node.id][1:]), SURE * self.unit


def _lowest(ends: Mapping[int, tuple[float, float]], charges: Charges | None, lost: float) -> tuple[float, float]:
    """Return the lowest of the errors that the paths of a run come to, charges included, and its deviation.

    What passes a limit, by however much, is as bad as a start that leads nowhere: worse ones would say little of the others.
    """
    if not charges:
        return min(ends.values())
    errors = np.array([error for error, _ in ends.values()])
    tolls = charges.of([*ends], most=np.maximum(lost - errors, 0.0)).tolist()
    return min((error + toll, deviation) for (error, deviation), toll in zip(ends.values(), tolls, strict=True))
