"""Settings to begin a run with, from what earlier trainings and the runs of this study came to.

How good a start is on a task, on a scale where 0 is the best and 1 the median of many, is taken for a linear function of its
portrait. Before the first step its weights are distributed as they were over the tasks of the shipped prior (a hierarchical
model as of Lindley & Smith 1972); every run of the study makes them surer. A start is proposed by Thompson sampling: the best
of many candidates by weights that are drawn.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from trimtab.errors import SpaceError
from trimtab.search.belief import Belief
from trimtab.search.feasible import Feasible
from trimtab.search.portrait import SHARED, Portrait, canonical
from trimtab.space import Categorical, Float, Int, Settings, Space, Value

NOISE = 0.15
"""Deviation of a result from what its settings lead one to expect: other initial weights, another order of the data."""
OWN_DEVIATION = 0.5
"""How much the features that only one study knows may explain, as the deviation of each of their weights."""
SPREADS = np.geomspace(0.4, 2.5, 8)
"""Distances in error between the best and the median start, over which is averaged. None is small: that the first few end alike
says that they are alike, not that others are, and where all are, looking further costs nothing."""
USUAL_SPREAD, SPREAD_DEVIATION = 0.7, 1.0
"""Before any run it is about this, give or take this much in its logarithm: as over the problems of the shipped prior."""
WORST = 2.0
"""A start cannot be told to be worse than this, on the scale of 0 and 1."""
CANDIDATES, NEIGHBOURS, PARENTS = 512, 96, 4
REACH = 0.08
"""How far neighbours of the best starts lie from them, as a share of each range."""
CAUTION = 0.7
"""How many deviations are added to what is expected of a start where nothing is drawn."""
TRIED = 0.02
"""At a lower temperature a run begins with one of the favourites."""
UNLIKE = 0.05
"""How much of what tasks differ in remains between two studies that are alike."""
MOST = 120
"""So many starts are learned from, those with the least error: the belief is made anew for every proposal."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of starts before the first run: weights are N(``mean``, ``covariance``), (d,) and (d, d).

    ``favourites``: the few settings that together were best where it was learned, the best first.
    """

    mean: np.ndarray
    covariance: np.ndarray
    favourites: tuple[Mapping[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a start came to: the error at the end of its run, and how sure that is (a standard deviation)."""

    settings: Settings
    error: float
    deviation: float


class Starts:
    """Proposes starts in ``space``. ``priors``: the general one first, then those of studies that may be like this one.

    ``favourites``: settings that are worth a thought whatever else there is.
    """

    def __init__(self, space: Space, portrait: Portrait, priors: Sequence[Prior], favourites: Sequence[Settings] = ()) -> None:
        self.space = space
        self.portrait = portrait
        self._priors = [_widened(prior, portrait.size) for prior in priors]
        self._beliefs = [Belief(prior.mean, prior.covariance) for prior in self._priors]
        self._favourites = [*favourites, *(adapted(space, each) for each in priors[0].favourites)]
        self._features: dict[Settings, np.ndarray] = {}

    def prospect(self, results: Sequence[Result], rng: np.random.Generator, feasible: Feasible | None = None) -> Prospect:
        """Return candidates for the next run, and what is believed of them. ``feasible``: knows which will pass a limit."""
        view, codes = self._view(results, rng), self._candidates(results, rng)
        favourites = len(self._favourites)
        if feasible:
            excess = feasible.excess(codes)
            kept = excess <= excess.min()
            codes, favourites = codes[kept], int(kept[:favourites].sum())
        return Prospect(self.space, view, codes, self.portrait.features(codes), favourites)

    def judge(self, results: Sequence[Result], settings: Settings, temperature: float, rng: np.random.Generator) -> Proposal:
        """Return the same of ``settings`` that somebody else proposes."""
        view = self._view(results, rng)
        features = self._known(settings)
        return view.proposal(settings, float(features @ view.belief.draw(rng, temperature)), features)

    def _view(self, results: Sequence[Result], rng: np.random.Generator) -> _View:
        if not results:
            # a study that may be like this one says more than all that were learned from together
            like = 0 if len(self._priors) == 1 else int(rng.integers(1, len(self._priors)))
            return _View(self._beliefs[like], 0.0, USUAL_SPREAD)
        kept = _best(results)
        features = np.array([self._known(result.settings) for result in kept])
        fits = [_fit(prior, features, kept) for prior in self._priors]
        likelihoods = np.array([fit.likelihood for fit in fits])
        odds = np.exp(likelihoods - likelihoods.max())
        chosen = int(rng.choice(len(fits), p=odds / odds.sum()))
        fit = fits[chosen]
        return _View(_updated(self._beliefs[chosen], fit, features, kept), fit.middle, fit.spread)

    def _known(self, settings: Settings) -> np.ndarray:
        if settings not in self._features:
            self._features[settings] = self.portrait.features(self.portrait.codes([settings]))[0]
        return self._features[settings]

    def _candidates(self, results: Sequence[Result], rng: np.random.Generator) -> np.ndarray:
        """Return codes from everywhere, and some from near the best starts so far, (n, space.width)."""
        drawn = [rng.random((CANDIDATES, self.space.width))]
        parents = sorted(results, key=lambda result: result.error)[:PARENTS]
        if parents:
            codes = np.repeat(self.portrait.codes([result.settings for result in parents]), NEIGHBOURS // PARENTS, axis=0)
            drawn.append(np.clip(codes + REACH * rng.standard_normal(codes.shape), 0, 1))
        if self._favourites:
            drawn.insert(0, self.portrait.codes(self._favourites))
        return np.vstack([self._whole(codes) for codes in drawn])

    def _whole(self, codes: np.ndarray) -> np.ndarray:
        """Return ``codes`` with one choice made where a categorical hyperparameter has several numbers."""
        at = 0
        for member in self.space.values():
            if member.width > 1:
                part = codes[:, at : at + member.width]
                codes[:, at : at + member.width] = part == part.max(axis=1, keepdims=True)
            at += member.width
        return codes


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings of a new run, the error to which it comes as ``drawn``, and as ``expected``, give or take ``deviation``."""

    settings: Settings
    drawn: float
    expected: float
    deviation: float


@dataclass(frozen=True, slots=True)
class _View:
    belief: Belief
    middle: float
    spread: float

    def proposal(self, settings: Settings, drawn: float, features: np.ndarray) -> Proposal:
        expected = self.middle + self.spread * float(features @ self.belief.mean)
        deviation = self.spread * float(np.hypot(self.belief.deviations(features[None])[0], NOISE))
        return Proposal(settings, self.middle + self.spread * drawn, expected, deviation)


@dataclass(slots=True)
class Prospect:
    """Candidates for the next run by their ``codes`` and ``features``, the first of them ``favourites``."""

    space: Space
    view: _View
    codes: np.ndarray
    features: np.ndarray
    favourites: int
    deviations: np.ndarray = field(init=False)
    _begun: np.ndarray = field(init=False)
    _rows: dict[Settings, int] = field(default_factory=dict[Settings, int])

    def __post_init__(self) -> None:
        self.deviations = self.view.belief.deviations(self.features)
        self._begun = np.zeros(len(self.features), dtype=bool)

    def begun(self, settings: Settings) -> None:
        """Propose ``settings`` no more: a run began with them, which is not yet known of here."""
        if settings in self._rows:
            self._begun[self._rows[settings]] = True

    def draw(self, temperature: float, rng: np.random.Generator) -> Proposal:
        """Return the best of the candidates. ``temperature``: 1 draws from the belief, 0 takes what is best by its mean.

        Where hardly anything is drawn only what was seen to be good is a candidate, if there is such.
        """
        values = self.features @ self.view.belief.draw(rng, temperature)
        # the lowest of many expectations is most often one that errs: with little budget, what is known counts for more
        cautious = values + CAUTION * (1.0 - temperature) * self.deviations
        cautious = np.where(self._begun, np.inf, cautious)
        tried = temperature < TRIED and not self._begun[: self.favourites].all()
        count = self.favourites if tried else len(cautious)
        best = int(cautious[:count].argmin())
        settings = self.space.decode(self.codes[best])
        self._rows[settings] = best
        return self.view.proposal(settings, float(values[best]), self.features[best])


@dataclass(frozen=True, slots=True)
class _Fit:
    """An error is ``middle`` + ``spread`` × what a start is worth on the scale of the prior."""

    likelihood: float
    middle: float
    spread: float


def _best(results: Sequence[Result]) -> list[Result]:
    return sorted(results, key=lambda result: result.error)[:MOST]


def _updated(before: Belief, fit: _Fit, features: np.ndarray, results: Sequence[Result]) -> Belief:
    """Return what is believed after ``results``, whose ``features`` are (n, d)."""
    belief = copy.copy(before)
    errors, noise = _errors(results)
    values = np.minimum((errors - fit.middle) / fit.spread, WORST)
    belief.observe(features, values, NOISE**2 + (noise / fit.spread) ** 2)
    return belief


def _errors(results: Sequence[Result]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([result.error for result in results]), np.array([result.deviation for result in results])


def _fit(prior: Prior, features: np.ndarray, results: Sequence[Result]) -> _Fit:
    """Return the scale of errors under ``prior``: its expected spread, and its middle by least squares.

    The expected one, not the likeliest: a few runs that happen to end alike must not make all starts look alike.
    """
    errors, noise = _errors(results)
    # what does not hang on the spread is made once
    mean, covariance = features @ prior.mean, features @ prior.covariance @ features.T + NOISE**2 * np.eye(len(errors))
    fits = [_fit_at(spread, mean, covariance, errors, noise) for spread in SPREADS]
    likelihoods = np.array([fit.likelihood for fit in fits])
    odds = np.exp(likelihoods - likelihoods.max())
    spread = float(odds @ SPREADS / odds.sum())
    expected = _fit_at(spread, mean, covariance, errors, noise)
    return _Fit(float(likelihoods.max() + np.log(odds.mean())), expected.middle, spread)


def _fit_at(spread: float, mean: np.ndarray, covariance: np.ndarray, errors: np.ndarray, noise: np.ndarray) -> _Fit:
    """Return the fit at one ``spread``; on the scale of the prior starts are N(``mean``, ``covariance``), (n,) and (n, n)."""
    half = np.linalg.cholesky(spread**2 * covariance + np.diag(noise**2 + 1e-9))
    ones, apart = np.linalg.solve(half, np.stack([np.ones(len(errors)), errors - spread * mean], 1)).T
    middle = float(ones @ apart / (ones @ ones))
    left = apart - middle * ones
    usual = (np.log(spread / USUAL_SPREAD) / SPREAD_DEVIATION) ** 2
    likelihood = -0.5 * float(left @ left) - float(np.log(np.diag(half)).sum()) - 0.5 * usual
    return _Fit(likelihood, middle, float(spread))


def learned(prior: Prior, portrait: Portrait, results: Sequence[Result]) -> Prior:
    """Return what a study that came to ``results`` says of the starts of one like it; ``portrait``: of its space."""
    kept = _best(results)
    features = portrait.features(portrait.codes([result.settings for result in kept]))[:, :SHARED]
    belief = _updated(Belief(prior.mean, prior.covariance), _fit(prior, features, kept), features, kept)
    return Prior(belief.mean, belief.covariance + UNLIKE * prior.covariance)


def legal(space: Space, results: Sequence[Result]) -> list[Settings]:
    """Return the settings of ``results`` that are in ``space``."""
    found: list[Settings] = []
    for result in results:
        with suppress(SpaceError):
            found.append(space.check(result.settings))
    return found


def adapted(space: Space, known: Mapping[str, Value]) -> Settings:
    """Return the settings of ``space`` that are nearest to ``known``, which is of another space; what that has not is default.

    >>> from trimtab.space import Float, Space
    >>> adapted(Space(learning_rate=Float(1e-4, 0.01, log=True), gamma=Float(0.0, 1.0)), {"lr": 0.5, "width": 64})
    Settings(learning_rate=0.01, gamma=0.5)
    """
    values = dict(space.default())
    for name, member in space.items():
        value = known.get(canonical(name))
        if isinstance(member, (Float, Int)) and isinstance(value, (int, float)):
            clipped = min(member.high, max(member.low, value))
            values[name] = round(clipped) if isinstance(member, Int) else float(clipped)
        elif isinstance(member, Categorical) and value in member.choices:
            values[name] = value
    return Settings(values)


def _widened(prior: Prior, size: int) -> Prior:
    """Return ``prior`` with weights of 0, give or take OWN_DEVIATION, for the features that only this study has."""
    own = size - len(prior.mean)
    mean = np.concatenate([prior.mean, np.zeros(own)])
    covariance = np.zeros((size, size))
    covariance[:SHARED, :SHARED] = prior.covariance
    covariance[SHARED:, SHARED:] = OWN_DEVIATION**2 * np.eye(own)
    return Prior(mean, covariance, prior.favourites)
