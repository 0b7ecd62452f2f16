"""Where new runs begin: the user's list first, then settings proposed by a sampler from what earlier runs came to."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from trimtab.errors import StudyError
from trimtab.seeds import derive, generator
from trimtab.space import Bool, Categorical, Float, Int, Settings, Space

SAMPLERS = ("prior", "random", "tpe", "gp", "cmaes")
"""``prior``: what earlier trainings and this study have taught; the others know only the study's own runs."""
STARTUP = 8
"""Runs that begin at random before an Optuna sampler has enough to go by."""

Outcome = tuple[Settings, float]
"""Settings that a run began with, and the error at its end; +inf for a failure."""


def propose(sampler: str, space: Space, outcomes: Sequence[Outcome], *, seed: int, index: int) -> Settings:
    """Return the settings that run ``index`` (from 0) begins with, by ``random`` or one of Optuna's samplers."""
    if sampler == "random":
        return space.sample(generator(seed, "root", index))
    return _ask(sampler, space, outcomes, derive(seed, "root", index) % 2**32)


def check_sampler(sampler: str) -> str:
    """Return ``sampler`` if it is known and there is what it needs, else raise StudyError."""
    if sampler not in SAMPLERS:
        raise StudyError(f"roots: expected one of {', '.join(map(repr, SAMPLERS))}, got {sampler!r}")
    needed = {"gp": "scipy", "cmaes": "cmaes"}.get(sampler)
    if needed is not None and find_spec(needed) is None:
        raise StudyError(f"roots: {sampler!r} needs the package {needed}: pip install 'trimtab[samplers]'")
    return sampler


def _ask(sampler: str, space: Space, outcomes: Sequence[Outcome], seed: int) -> Settings:
    """Ask one of Optuna's samplers, told all earlier runs."""
    known = distributions(space)
    finite = [value for _, value in outcomes if math.isfinite(value)]
    worst = max(finite, default=0.0) + 1.0
    bounded = [(settings, value if math.isfinite(value) else worst) for settings, value in outcomes]
    trials = [_trial(known, *outcome) for outcome in bounded]
    numbers = {name: each for name, each in known.items() if isinstance(space[name], (Float, Int))}
    sources = [_trial(numbers, *outcome) for outcome in bounded]
    study = quiet_study(_sampler(sampler, sources, seed))
    study.add_trials(trials)
    trial = study.ask(known)
    return space.check({name: trial.params[name] for name in space})


def _trial(distributions: dict[str, Any], settings: Settings, value: float) -> Any:
    import optuna

    params = {name: settings[name] for name in distributions}
    return optuna.trial.create_trial(params=params, distributions=distributions, value=value)


def _sampler(name: str, numbers: list[Any], seed: int) -> Any:
    """Return the sampler ``name``; ``numbers``: all earlier runs without their choices, of which CMA-ES knows nothing."""
    import optuna

    with warnings.catch_warnings():
        # that a sampler's interface may change is not the user's business
        warnings.simplefilter("ignore")
        if len(numbers) < STARTUP:
            return optuna.samplers.RandomSampler(seed=seed)
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP, deterministic_objective=False)
        if name == "cmaes":
            # begun anew from the best of all runs so far: Nomura et al. 2021, warm-started CMA-ES
            return optuna.samplers.CmaEsSampler(
                seed=seed, n_startup_trials=0, source_trials=numbers, warn_independent_sampling=False
            )
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)


def quiet_study(sampler: Any) -> Any:
    """Return an Optuna study that says nothing of its own birth."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(sampler=sampler)
    finally:
        optuna.logging.set_verbosity(verbosity)


def distributions(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of ``space`` in Optuna's terms."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, member in space.items():
        match member:
            case Float():
                found[name] = FloatDistribution(member.low, member.high, log=member.log)
            case Int():
                found[name] = IntDistribution(member.low, member.high, log=member.log)
            case Categorical():
                found[name] = CategoricalDistribution(member.choices)
            case Bool():
                found[name] = CategoricalDistribution((False, True))
            case _:
                raise StudyError(f"{name}: Optuna's samplers know no {type(member).__name__}; use roots='random'")
    return found
