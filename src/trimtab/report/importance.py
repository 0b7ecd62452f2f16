"""What went with good results: associations in one study's records, never more than that."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from trimtab.report.scales import drawable
from trimtab.report.story import Story
from trimtab.search.roots import distributions, quiet_study
from trimtab.space import Categorical

LEAST_SEGMENTS, LEAST_RUNS = 5, 8
MOST_RUNS, TREES = 150, 16
"""The analysis of starts grows with both: of more runs every second, third, … is taken, in the order of their errors."""


@dataclass(frozen=True, slots=True)
class ChangeWorth:
    """Mean reward of segments that changed a hyperparameter above those that kept it, at the same place in their runs.

    The same place, because early segments earn more whatever is done: the slope of reward on "changed" with one intercept
    for each place, and its 95 % interval. An association: changes are not made at random.
    """

    name: str
    changed: int
    kept: int
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class StartCorrelation:
    """Spearman's rank correlation between the starting value and the lowest error of a run. Negative: higher was better."""

    name: str
    runs: int
    correlation: float


def change_worths(story: Story) -> list[ChangeWorth]:
    """Return what changes were worth, the most first, where at least LEAST_SEGMENTS segments changed and kept."""
    rewards: dict[str, list[tuple[int, bool, float]]] = defaultdict(list)
    for account in story.accounts.values():
        if account.node.job.parent is None or account.diverged or not drawable(account.node.reward):
            continue
        changed = {change.name for change in account.changes}
        for name in story.active(account.node.job.settings) | changed:
            rewards[name].append((account.node.job.index, name in changed, account.node.reward))
    live = story.space.live if story.space is not None else story.names
    worths = [_worth(name, rewards[name]) for name in live if rewards[name]]
    return sorted((worth for worth in worths if worth is not None), key=lambda worth: -worth.difference)


def start_correlations(story: Story) -> list[StartCorrelation]:
    """Return how starting values went with the error that each run reached; empty with fewer than LEAST_RUNS runs."""
    if story.space is None:
        return []
    reached = _lowest_error_by_run(story)
    roots = [root for root in story.roots if math.isfinite(reached[root.id])]
    if len(roots) < LEAST_RUNS:
        return []
    errors = [reached[root.id] for root in roots]
    found: list[StartCorrelation] = []
    for name, member in story.space.items():
        if isinstance(member, Categorical):
            continue  # without order there is no rank
        values = [float(root.node.job.settings[name]) for root in roots]
        if len(set(values)) > 1:
            found.append(StartCorrelation(name, len(roots), spearman(values, errors)))
    return sorted(found, key=lambda each: -abs(each.correlation))


@dataclass(frozen=True, slots=True)
class Importance:
    """How much a hyperparameter mattered, as shares that add up to 1.

    ``starts``: of the starting values for the lowest error of a run, by fANOVA (Hutter et al. 2014; PED-ANOVA, Watanabe et al.
    2023, where scikit-learn is not there), None with fewer than LEAST_RUNS runs. ``moves``: of the distance between the best
    and the worst move in the eyes of the agents, over all decisions, None of what cannot be moved.
    """

    name: str
    starts: float | None
    moves: float | None


def importances(story: Story) -> list[Importance]:
    """Return how much each hyperparameter mattered, by what began runs and by the value function, the most first."""
    starts, moves = _of_starts(story), _of_moves(story)
    found = [Importance(name, starts.get(name), moves.get(name)) for name in story.names if name in starts or name in moves]
    return sorted(found, key=lambda each: -max(each.starts or 0.0, each.moves or 0.0))


def _of_starts(story: Story) -> dict[str, float]:
    reached = _lowest_error_by_run(story)
    runs = [(root.node.job.settings, reached[root.id]) for root in story.roots if math.isfinite(reached[root.id])]
    if story.space is None or len(runs) < LEAST_RUNS or len({error for _, error in runs}) < 2:
        return {}
    import optuna

    if len(runs) > MOST_RUNS:
        runs = sorted(runs, key=lambda run: run[1])[:: math.ceil(len(runs) / MOST_RUNS)]
    optuna_study = quiet_study(optuna.samplers.RandomSampler(seed=0))
    known = distributions(story.space)
    for settings, error in runs:
        params = {name: settings[name] for name in known}
        optuna_study.add_trial(optuna.trial.create_trial(params=params, distributions=known, value=error))
    forest = find_spec("sklearn") is not None
    evaluator = (
        optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=0)
        if forest
        else optuna.importance.PedAnovaImportanceEvaluator()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(optuna_study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _of_moves(story: Story) -> dict[str, float]:
    spans: dict[str, float] = defaultdict(float)
    for account in story.accounts.values():
        for head in account.node.job.choice.heads:
            values = [value for value in head.values if math.isfinite(value)]
            spans[head.name] += max(values, default=0.0) - min(values, default=0.0)
    whole = sum(spans.values())
    return {name: span / whole for name, span in spans.items()} if whole > 0 else {}


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the rank correlation, ties sharing their mean rank; 0 if one of both is constant.

    >>> spearman([1, 2, 3], [10, 20, 40]), spearman([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    a, b = _ranks(np.asarray(one, dtype=float)), _ranks(np.asarray(other, dtype=float))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return round(float(((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std())), 12)


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _worth(name: str, rewards: list[tuple[int, bool, float]]) -> ChangeWorth | None:
    """Return the within-place slope: sum of dx·dr over sum of dx·dx, both as distances from the mean of their place."""
    places, place = np.unique([index for index, _, _ in rewards], return_inverse=True)
    x = np.array([float(changed) for _, changed, _ in rewards])
    changed, kept = int(x.sum()), int(len(x) - x.sum())
    dx, dr = _centred(x, place), _centred(np.array([reward for _, _, reward in rewards]), place)
    spread, freedom = float(dx @ dx), len(x) - len(places) - 1
    if min(changed, kept) < LEAST_SEGMENTS or spread < 1e-9 or freedom < 1:
        return None
    slope = float(dx @ dr) / spread
    residuals = dr - slope * dx
    reach = 1.96 * math.sqrt(float(residuals @ residuals) / freedom / spread)
    return ChangeWorth(name, changed, kept, slope, slope - reach, slope + reach)


def _centred(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    means = np.bincount(place, weights=values) / np.bincount(place)
    return values - means[place]


def _lowest_error_by_run(story: Story) -> dict[int, float]:
    reached: dict[int, float] = defaultdict(lambda: math.inf)
    for account in story.accounts.values():
        run = account.node.job.root
        reached[run] = min(reached[run], account.node.error)
    return reached
